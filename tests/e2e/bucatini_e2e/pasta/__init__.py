"""The reference story: the table `pasta` moves from PostgreSQL to MySQL and stays in step."""
