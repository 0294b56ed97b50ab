"""GraphQL at /graphql: the same reads as REST, put together by whoever asks."""
