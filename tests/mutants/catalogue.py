"""All mutants."""

from tests.mutants.access import ACCESS
from tests.mutants.accounts import ACCOUNTS
from tests.mutants.claims import CLAIMS
from tests.mutants.endings import ENDINGS
from tests.mutants.flow import FLOW
from tests.mutants.limits import LIMITS
from tests.mutants.mail import MAIL
from tests.mutants.sessions import SESSIONS_AND_TOKENS
from tests.mutants.walks import WALKS

MUTANTS = (
    *ACCESS,
    *ACCOUNTS,
    *CLAIMS,
    *ENDINGS,
    *FLOW,
    *LIMITS,
    *MAIL,
    *SESSIONS_AND_TOKENS,
    *WALKS,
)
