// Spooler: Exim's spool, read and written.
//
// Purpose: message ids, the files -H, -D, -J and msglog, locks, the queue walk, atomic commit, recovery, and the
// hand-over to and from other programs. spool-format/README.md is the law that this module follows.
// May import: Bytes, CLinux, Glibc. No other module writes to the spool.
// Read in this order: MessageID.swift, MessageIDGenerator.swift; HeaderFile.swift, VariableLine.swift,
// VariableName.swift, HeaderFile+variables.swift, AddressTree.swift, Recipient.swift, HeaderLine.swift,
// HeaderFile+parsing.swift, HeaderFile+serialization.swift; Spool.swift, MessageLock.swift, LockedMessage.swift,
// PendingMessage.swift; QueueWalk.swift, StoredMessage.swift, SpoolCheck.swift, HandOver.swift, Requeue.swift;
// SpoolError.swift, SystemCalls.swift.
