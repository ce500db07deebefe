/// This program, as reports and journals name it.
public enum Version {
  /// Semantic version.
  public static let number = "0.1.0"

  /// First 12 digits of the SHA-256 of the running executable: tells builds of one version apart.
  ///
  /// - Throws: ``SystemError`` when the executable cannot be read.
  public static func build() throws(SystemError) -> String {
    String(sha256(try readFile("/proc/self/exe")).prefix(12))
  }
}
