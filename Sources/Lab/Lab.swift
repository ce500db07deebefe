internal import Support
/// x
public final class Lab: Sendable {}
