"""Getting the servers onto this machine: Maven artefacts by locked checksum, Debian packages by apt."""
