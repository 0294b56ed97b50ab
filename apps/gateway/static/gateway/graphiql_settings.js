// What the page of graphene-django reads, here a file so that no script stands in the page.
window.GRAPHENE_SETTINGS = { graphiqlHeaderEditorEnabled: true, graphiqlShouldPersistHeaders: false };
