// TestKit: what tests of several modules need.
//
// Purpose: temporary directories, repeatable randomness, a real DNS server with given zones; and for the system tests
// a whole mail site, programs as children, an SMTP client and server that follow a script, and masks.
// May import: Bytes, Foundation, Testing. Debian packages that it runs: nsd, ldnsutils, redis-server, postgresql, exim4-daemon-heavy.
// Read in this order: TemporaryDirectory.swift, Fixture.swift, FixtureText.swift, SeededGenerator.swift, Mutation.swift, Program.swift, FreePort.swift,
// ZoneServer.swift, ZoneSigner.swift; then Eventually.swift, ChildProcess.swift, RedisProcess.swift, PostgresProcess.swift,
// LoopbackStream.swift,
// SMTPDialogue.swift, WireServer.swift, Gate.swift, Flag.swift, MailSite.swift, Masks.swift, Changes.swift,
// Requirements.swift, KeyFlood.swift.
