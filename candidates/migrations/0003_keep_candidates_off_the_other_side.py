"""Nobody who registered becomes a scorer or staff by the same account, and the other way round.

One account has one role, so that nobody stands on both sides of the blind wall; without this a changed
role would put a candidate's own entries into their own queue.  The two triggers lock the account's row,
so that a registration and a change of role at one instant see each other.  Source: ADR 0009.
"""

from django.db import migrations

_BUILD = """
CREATE FUNCTION candidates_account_stays_a_candidate() RETURNS trigger AS $$
BEGIN
    IF NEW.role <> OLD.role AND EXISTS (
        SELECT FROM candidates_registration WHERE account_id = NEW.id
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE =
            'This person has registered as a candidate with this account, so its role stays. '
            'Open another account, with another e-mail address, for the other role.';
    END IF;
    RETURN NEW;
END $$ LANGUAGE plpgsql;

CREATE TRIGGER candidates_account_stays_a_candidate
    BEFORE UPDATE OF role ON accounts_user
    FOR EACH ROW EXECUTE FUNCTION candidates_account_stays_a_candidate();

CREATE FUNCTION candidates_only_candidates_register() RETURNS trigger AS $$
DECLARE account_role TEXT;
BEGIN
    SELECT role INTO account_role FROM accounts_user WHERE id = NEW.account_id FOR SHARE;
    IF account_role <> 'candidate' THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE =
            'Only an account with the role of a candidate can register.';
    END IF;
    RETURN NEW;
END $$ LANGUAGE plpgsql;

CREATE TRIGGER candidates_only_candidates_register
    BEFORE INSERT OR UPDATE OF account_id ON candidates_registration
    FOR EACH ROW EXECUTE FUNCTION candidates_only_candidates_register();
"""

_TEAR_DOWN = """
DROP TRIGGER candidates_only_candidates_register ON candidates_registration;
DROP FUNCTION candidates_only_candidates_register();
DROP TRIGGER candidates_account_stays_a_candidate ON accounts_user;
DROP FUNCTION candidates_account_stays_a_candidate();
"""


class Migration(migrations.Migration):
    dependencies = [("candidates", "0002_bound_fees_and_extension_years"), ("accounts", "0001_initial")]
    operations = [migrations.RunSQL(_BUILD, _TEAR_DOWN)]
