"""What comes after a test that commits: the tables that have rows are emptied.

Django's own way truncates every table, full or not, and then makes the same permissions anew: ten
times as long, and longer than most tests take.
"""

from django.db import connection

# Made by the migrations, written by nobody since.
KEPT = {"django_content_type", "auth_permission", "django_migrations"}
# The lock waits for whoever still writes, as a killed program's last statement.
EMPTY = """
DO $$
DECLARE
  name text;
  has_rows boolean;
BEGIN
  LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE;
  FOREACH name IN ARRAY string_to_array('{tables}', ', ') LOOP
    EXECUTE 'SELECT EXISTS (SELECT FROM ' || name || ')' INTO has_rows;
    IF has_rows THEN
      EXECUTE 'TRUNCATE ' || name || ' CASCADE';
    END IF;
  END LOOP;
END $$
"""


def empty_tables() -> None:
    """Leave no row of any test in the database."""
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    tables = ", ".join(f'"{name}"' for name in names if name not in KEPT)
    with connection.cursor() as cursor:
        cursor.execute(EMPTY.format(tables=tables))
