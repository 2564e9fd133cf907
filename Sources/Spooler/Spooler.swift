// Spooler: Exim's spool, read and written.
//
// Purpose: message ids, the files -H, -D, -J and msglog, locks, the queue walk, atomic commit, recovery, and
// the hand-over to and from other programs. spool-format/README.md is the law that this module follows.
// May import: Bytes, CLinux, CZlib, Glibc, Synchronization. No other module writes to the spool.
// Read in this order:
// - Ids: SpoolTime.swift, MessageID.swift, MessageIDGenerator.swift.
// - The value of -H: HeaderFile.swift, VariableLine.swift, VariableName.swift, HeaderFile+values.swift,
//   HeaderFile+variables.swift, AddressTree.swift, Recipient.swift, HeaderLine.swift,
//   HeaderFile+editing.swift.
// - Its octets: LineReader.swift, HeaderFile+parsing.swift, HeaderFile+serialization.swift,
//   SpoolFormatError.swift.
// - The files: Spool.swift, MessageLock.swift, Journal.swift, HeaderWriting.swift, LockedMessage.swift,
//   Completion.swift, PendingMessage.swift.
// - Committing together (Commit/): CommitOrder.swift, HeldMessage.swift, CommitGroup.swift, CommitLine.swift,
//   CommitBatch.swift; the log before it: CommitLogRecord.swift, CommitLogSegment.swift, CommitLog.swift,
//   CommitLogDirectory.swift, CommitLogAccess.swift; journals and removals that share a
//   synchronisation: JournalGroup.swift, RemovalGroup.swift.
// - Looking: StoredMessage.swift, QueueWalk.swift, ListedMessage.swift, ListingReader.swift, SpoolCheck.swift.
// - Other programs: HandOver.swift, Requeue.swift.
// - Beneath: SpoolError.swift, SystemCalls.swift and SystemCalls+log.swift (the only files with system
//   calls).
