"""Users, sign-in and sessions.

What every HTTP function needs is light: `authenticator.BearerAuthenticator` verifies an access
token with public keys and looks at the session. The rest (passwords, signing) is for the accounts
function.
"""
