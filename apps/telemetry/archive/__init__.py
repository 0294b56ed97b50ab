"""History in Parquet files: closed days are archived, verified, read and restored here.

The modules that need pyarrow are imported by whoever needs them, when they do: it takes a tenth of
a second and 40 MB.
"""
