"""Client factories and DynamoDB idioms; the only package that imports botocore."""
