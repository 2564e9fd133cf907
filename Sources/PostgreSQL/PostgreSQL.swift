// PostgreSQL: the one module that speaks to libpq.
//
// Purpose: a connection to a PostgreSQL server that waits for its answers, on a thread that may block.
// May import: Bytes (and Glibc); outside: CPostgreSQL.
// Read in this order: PostgresAnswer.swift, PostgresConnection.swift.
