internal import Support

extension Commands {
  /// `blackstart doctor`
  static let doctor = Command(
    name: "doctor", summary: "Says what this machine offers for drills, and what is missing."
  ) { _, tool in
    return .pass
  }
}
