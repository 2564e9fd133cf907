// Filter: Exim's filter language.
//
// Purpose: reads `# Exim filter` files into a tree of commands, and runs that tree over a message: what is to be
// delivered, saved, piped or answered comes out; nothing is done here but writing log files that a filter names.
// May import: Bytes, MailText, Expansion.
// Read in this order:
//   the tree: FilterCommand.swift, FilterCondition.swift, FilterError.swift
//   reading: FilterReader.swift, FilterParser.swift, FilterParser+commands.swift, FilterParser+conditions.swift
//   running: ReplyMessage.swift, FilterOutcome.swift, FilterScene.swift, FilterRun.swift, FilterRun+commands.swift,
//     FilterRun+conditions.swift, FilterRun+mail.swift, PersonalMail.swift, FilterLog.swift
