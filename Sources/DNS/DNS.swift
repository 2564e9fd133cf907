// DNS: answers that say whether they can be believed.
//
// Purpose: ask the DNS through libunbound, which validates from the root anchor and caches; give typed records,
// and the mail lookups on top of them: hosts of a domain, addresses of a host, the name of an address.
// May import: Bytes, CUnbound, Synchronization, Dispatch, Glibc.
// Read in this order:
//   values: RecordType.swift, DNSName.swift, DNSRecord.swift, DNSAnswer.swift
//   asking: NameResolver.swift, ResolverSettings.swift, Resolver.swift, Question.swift,
//     HostsFile.swift, Unbound.swift (the only unsafe file)
//   mail:   MailHost.swift, DomainSearch.swift, HostLookup.swift, MailTarget.swift, HostLookup+addresses.swift,
//     HostLookup+certificates.swift
