// Routing: what to do with an address.
//
// Purpose: rewriting rules, routers, redirection data and retry rules. It decides without effects but DNS questions,
// lookups and reading the files that routers name; delivery is for Transports.
// May import: Bytes, MailText, DNS, Hints, Expansion, Configuration.
// Read in this order:
//   what is decided: RoutingAddress.swift, DeliveryInstruction.swift, RoutingResult.swift, RoutingEnvironment.swift
//   how: AddressRouter.swift, RouterOptions.swift, RouterDriver.swift, Preconditions.swift, RequiredFiles.swift,
//     Acceptance.swift, SystemUser.swift
//   the routers: HostFinder.swift, HostItem.swift, LocalHostRule.swift, DNSLookupRouter.swift, IPLiteralRouter.swift, RouteRule.swift,
//     ManualRouteRouter.swift, RedirectionList.swift, RedirectionFile.swift, RedirectRouter.swift
//   rewriting: Rewriter.swift, HeaderRewriting.swift
//   retrying: RetryChooser.swift
//   showing: RouteDescription.swift
