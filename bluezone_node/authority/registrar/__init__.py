"""The registrar: codes for people who tested positive, redeemed for certificates."""
