// Redis: the one module that speaks to hiredis.
//
// Purpose: a connection to a Redis server that waits for its answers, for a limited time, on a thread that may block.
// May import: Bytes (and Glibc); outside: CHiredis.
// Read in this order: RedisServer.swift, RedisReply.swift, RedisConnection.swift.
