"""All mutants."""

from tests.mutants.access import ACCESS
from tests.mutants.accounts import ACCOUNTS
from tests.mutants.claims import CLAIMS
from tests.mutants.endings import ENDINGS
from tests.mutants.flow import FLOW
from tests.mutants.limits import LIMITS
from tests.mutants.mail import MAIL
from tests.mutants.oidc import OIDC
from tests.mutants.pages import PAGES
from tests.mutants.queues import QUEUES
from tests.mutants.sessions import SESSIONS_AND_TOKENS
from tests.mutants.unique import UNIQUE
from tests.mutants.walks import WALKS

MUTANTS = (
    *ACCESS,
    *ACCOUNTS,
    *CLAIMS,
    *ENDINGS,
    *FLOW,
    *LIMITS,
    *MAIL,
    *OIDC,
    *PAGES,
    *QUEUES,
    *SESSIONS_AND_TOKENS,
    *UNIQUE,
    *WALKS,
)
