// QueueRunner: the program bobbin-queuerunner, which delivers what is on the queue.
//
// Purpose: chooses messages, and takes each from lock to unlock: routes its addresses, hands them to transports,
// journals and logs each outcome, folds the rest into hints, bounces, warnings and a new -H, or completes it.
// May import: everything below the programs.
// Read in this order:
//   the program: RunnerCommand.swift, RunnerKeeper.swift, InputIDs.swift, RunOptions.swift, RunnerSystem.swift,
//     StopSignal.swift, RunnerStatus.swift, RunnerActivity.swift
//   a run: RunSchedule.swift, QueueRun.swift, Selection.swift, Slots.swift
//   one message: MessageDesk.swift, MessageDelivery.swift, FrozenRules.swift, DeliveryTree.swift,
//     RoutingStage.swift, RemoteOrder.swift, TransportStage.swift, OutcomeLog.swift, OutcomeEvents.swift,
//     RetryStage.swift, RetryForgetting.swift, ReportStage.swift, WarningStage.swift, ReportTemplate.swift, FreezeNotice.swift, Submission.swift
