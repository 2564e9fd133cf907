// TestKit: what tests of several modules need.
//
// Purpose: temporary directories, a real DNS server with given zones, programs to run, repeatable randomness.
// May import: Bytes, Foundation, Glibc. Debian packages that it runs: nsd, ldnsutils.
// Read in this order: TemporaryDirectory.swift, SeededGenerator.swift, Mutation.swift, Program.swift,
// FreePort.swift, ZoneServer.swift, ZoneSigner.swift.
