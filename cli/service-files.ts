/** Files for service managers, made from a command. */

export interface ServiceFacts {
  readonly command: readonly string[]
  readonly home: string
}

/** A unit for the user's systemd: systemd.service(5). */
export function systemdUnit({ command, home }: ServiceFacts): string {
  return `[Unit]
Description=Straightway peer (${home.replaceAll('%', '%%')})
After=network-online.target

[Service]
ExecStart=${command.map(systemdWord).join(' ')}
Restart=on-failure
RestartSec=5
NoNewPrivileges=yes

[Install]
WantedBy=default.target
`
}

/** Quotes a word and doubles `%` and `$`: systemd.unit(5), "Quoting", and systemd.service(5), "Command lines". */
function systemdWord(word: string): string {
  const escaped = word
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('%', '%%')
    .replaceAll('$', '$$$$')
    .replaceAll('\n', '\\n')
  return `"${escaped}"`
}

/** An agent for the user's launchd: launchd.plist(5). */
export function launchdPlist(label: string, { command, home }: ServiceFacts): string {
  const words = command.map((word) => `    <string>${xml(word)}</string>`).join('\n')
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${xml(label)}</string>
  <key>ProgramArguments</key>
  <array>
${words}
  </array>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>StandardErrorPath</key>
  <string>${xml(home)}/service.log</string>
</dict>
</plist>
`
}

const xml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
