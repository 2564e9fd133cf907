// Hints: what earlier deliveries and callouts taught, in Exim's own SQLite databases.
//
// Purpose: read and write `<spool>/db/retry`, `wait-<transport>`, `callout`, `ratelimit`, `seen`, `misc`, `tls`
// beside an Exim that is built with USE_SQLITE; or share some of them with other machines in Redis. A hint may vanish at any time: an absent or unreadable record
// means "no information", and a hint that cannot be written in time is given up with a reason.
// May import: Bytes, Redis, GRDB (and Dispatch and Glibc; Foundation only as the currency of GRDB).
// Read in this order:
//   values: HintsLayout.swift, HintsRecord.swift, RetryRecord.swift, WaitRecord.swift, CalloutRecords.swift,
//     RateLimitRecord.swift, SmallRecords.swift
//   retrying: EximErrno.swift, RetryKey.swift, RetryErrorPattern.swift, RetryStep.swift
//   storage: HintsOutcome.swift, HintsBackend.swift, HintsTransaction.swift, HintsConnection.swift, HintsDatabase.swift
//   in files: HintsPlace.swift, ExclusiveTransaction.swift, HintsFile.swift, SQLiteConnection.swift
//   in a server: RedisHints.swift, RedisRows.swift, RedisHintsConnection.swift
//   on top: WaitDatabase.swift
//   maintenance, in Maintenance/: HintsKind.swift, HintsTime.swift, HintsFileForm.swift, HintsScan.swift,
//     HintsDump.swift, HintsTidy.swift (QueuedMessages.swift, TidyJudge.swift, TidySteps.swift, TLSSessionLifetime.swift), DumpText.swift,
//     HintsImport.swift, HintsFilter.swift, HintsStatistics.swift, HintsFix.swift (HintsFixFields.swift), RetryExplanation.swift
