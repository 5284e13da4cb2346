"""Pages that exist in a demo only."""

from django.urls import path

from . import views

app_name = "demo"
urlpatterns = [path("clock/", views.demo_clock, name="clock")]
