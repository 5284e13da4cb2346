"""The certificate's holder and everybody else: download, verify."""

from django.urls import include, path

from . import views

_own = (
    [path("<str:number>.pdf", views.download, name="download")],
    "certificates",
)

urlpatterns = [
    path("certificates/", include(_own)),
    path("verify/", views.verify, name="verify"),
    path("verify/<str:number>/", views.verify_number, name="verify_number"),
]
