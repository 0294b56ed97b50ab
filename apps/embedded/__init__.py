"""A private PostgreSQL and etcd for one directory: a library without Django."""
