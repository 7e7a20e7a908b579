"""What is said of a way to a sign-in provider that came to nothing."""

_WORDS = {
    "oidc_refused": "The sign-in was cancelled there, or refused.",
    "oidc_provider_unavailable": "The provider cannot be reached at the moment.",
    "oidc_email_unverified": "The provider does not say that your e-mail address is verified.",
    "oidc_account_unverified": "There is an account with this address, which nobody has verified "
    "yet: log in with its password, or ask for a new one.",
    "registration_closed": "There is no such account, and new ones are not taken at the moment.",
    "account_disabled": "This account is disabled.",
    "sign_in_again": "Your login is too old for this: log in again, then do it.",
    "oidc_link_unverified": "Verify the address of your account first, then link other ways in.",
    "oidc_identity_taken": "With this you log in to another account, so it was not linked.",
    "oidc_too_many_identities": "The account has as many ways in as it can have.",
}
"""By the slugs that a provider's callback comes back with."""


def words_of(slug: str) -> str:
    """Return what is said of a failure; nothing of none."""
    return _WORDS.get(slug, "That did not work. Please try again.") if slug else ""
