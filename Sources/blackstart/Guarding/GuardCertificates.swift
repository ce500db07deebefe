internal import Guards
internal import Support

/// The options of TLS, the same for every guard.
let tlsOptions = [
  Option(
    name: "--certificate", value: "FILE", help: "shown to clients, PEM, its issuers behind it; they must speak TLS then"
  ),
  Option(name: "--certificate-key", value: "FILE", help: "the certificate's key, PEM, which nobody else may read"),
  Option(
    name: "--client-ca", value: "FILE", help: "demand a certificate of clients that one of these authorities issued"),
  Option(
    name: "--upstream-ca", value: "FILE",
    help: "speak TLS with what stands behind; its certificate is of these (or: system)"),
  Option(
    name: "--upstream-name", value: "NAME", help: "the name that its certificate bears (the host that is connected to)"),
  Option(name: "--upstream-certificate", value: "FILE", help: "shown to what stands behind"),
  Option(name: "--upstream-certificate-key", value: "FILE", help: "that certificate's key"),
]

/// The TLS that the options name; `nil` for none.
///
/// - Throws: ``Problem`` (usage) for half of a pair, for what would have no effect, and for files that cannot be used.
func guardTLS(_ invocation: Invocation) throws(Problem) -> GuardTLS? {
  func identity(_ certificate: String, _ key: String) throws(Problem) -> TLSIdentity? {
    switch (invocation.value(certificate), invocation.value(key)) {
    case (nil, nil): return nil
    case (let certificate?, let key?): return TLSIdentity(certificate: certificate, key: key)
    default: throw Problem(.usage, "\(certificate) and \(key) go together", fix: "give both, or neither")
    }
  }
  func refuse(_ names: [String], without needed: String) throws(Problem) {
    for name in names where invocation.value(name) != nil {
      throw Problem(.usage, "\(name) has no effect without \(needed)", fix: "give \(needed) as well, or leave it out")
    }
  }
  var settings = TLSSettings()
  if let shown = try identity("--certificate", "--certificate-key") {
    settings.listener = TLSSettings.Listener(identity: shown, clientAuthorities: invocation.value("--client-ca"))
  } else {
    try refuse(["--client-ca"], without: "--certificate")
  }
  if let authorities = invocation.value("--upstream-ca") {
    settings.upstream = TLSSettings.Upstream(
      authorities: authorities, name: invocation.value("--upstream-name"),
      identity: try identity("--upstream-certificate", "--upstream-certificate-key"))
  } else {
    try refuse(["--upstream-name", "--upstream-certificate", "--upstream-certificate-key"], without: "--upstream-ca")
  }
  return settings == TLSSettings() ? nil : try GuardTLS(settings)
}
