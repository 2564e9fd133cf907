// EximLog: Exim's log lines, byte for byte.
//
// Purpose: typed records of what happened, rendered as the lines that Exim writes to its main, reject, panic
// and message logs (manual, chapter 53), and the writer that appends them to files. No message is ever lost:
// what cannot go to its file goes to the panic log, and then to standard error.
// May import: Bytes, Glibc and Synchronization (EximLogWriter.swift, LogFile.swift, Syslog.swift, LogTimestamp.swift
// and SystemErrorText.swift only).
// Read in this order: LogSelector.swift, LogTimestamp.swift, LogInterval.swift, PeerName.swift, LoggedTLS.swift,
// Arrival.swift, LoggedAddress.swift, SystemErrorText.swift, DeliveryRecords.swift, QueueRecords.swift,
// Rejection.swift, SessionRecords.swift, RejectedHeader.swift, LogPath.swift, LogFile.swift, Syslog.swift,
// EximLogWriter.swift.
