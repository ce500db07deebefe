extension Secret {
  static func read(name: String, _ value: Value) -> Secret? {
    value.fields { fields in
      switch fields.only(["env", "file"], called: "where the secret is") {
      case "env":
        fields.required("env") { $0.text(expected: "a variable of the environment") }.map {
          Secret(name: name, source: .environment($0))
        }
      case "file": fields.required("file") { $0.text(expected: "a file") }.map { Secret(name: name, source: .file($0)) }
      default: nil
      }
    }
  }
}
