/// Which addresses a listing shows, and in what order messages come.
struct ListingStyle: Sendable, Hashable {
    /// Whether recipients that have been served are shown, with `D` (not so for -bpu).
    var showsDelivered = true
    /// Whether addresses that came of others are shown, with `+D` (-bpa).
    var showsGenerated = false
    /// Whether messages come in the order of their arrival (not so for -bpr).
    var isSorted = true
}
