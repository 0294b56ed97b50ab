"""Times as the rest of the product writes them: by the second, with their zone."""

DATETIME_FORMAT = "Y-m-d H:i:s e"
