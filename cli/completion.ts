import { Argument, Command, type Option } from 'commander'
import { printWhole } from './output.ts'

type Shell = 'bash' | 'zsh' | 'fish'

interface Word {
  readonly name: string
  readonly description: string
}

/** A verb with the options, verbs and files that may follow it. */
interface Completed extends Word {
  readonly options: readonly (Word & { readonly choices: readonly string[]; readonly kind: Kind })[]
  readonly verbs: readonly Word[]
  readonly takesFiles: boolean
}

/** Kind of an option's value. */
type Kind = 'nothing' | 'file' | 'folder' | 'choice' | 'text'

const SCRIPTS: Readonly<Record<Shell, (verbs: readonly Completed[]) => string>> = { bash, zsh, fish }

export function completion(description: string): Command {
  return new Command('completion')
    .description(description)
    .addArgument(new Argument('<shell>', 'which').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      '\nbash: source <(straightway completion bash)\nzsh:  source <(straightway completion zsh)\n' +
        'fish: straightway completion fish | source',
    )
    .action(async (shell: Shell) => {
      const { VERBS } = await import('./verbs.ts')
      printWhole(SCRIPTS[shell](await Promise.all(VERBS.map(async ({ load }) => completed(await load())))))
    })
}

function completed(command: Command): Completed {
  const nested = command.commands.flatMap((each) => each.options)
  return {
    name: command.name(),
    description: command.description(),
    options: distinct([...command.options, ...nested]).map((option) => ({
      name: option.long ?? option.flags,
      description: option.description,
      choices: option.argChoices ?? [],
      kind: kindOf(option),
    })),
    verbs: [
      ...command.commands.map((each) => ({ name: each.name(), description: each.description() })),
      ...command.registeredArguments.flatMap(({ argChoices = [] }) =>
        argChoices.map((name) => ({ name, description: '' })),
      ),
    ],
    takesFiles: command.registeredArguments.some((each) => each.name() === 'files'),
  }
}

const distinct = (options: readonly Option[]): Option[] => [
  ...new Map(options.map((each) => [each.long, each])).values(),
]

function kindOf({ argChoices, flags, required }: Option): Kind {
  if (argChoices !== undefined) return 'choice'
  if (!required) return 'nothing'
  if (flags.includes('<dir>')) return 'folder'
  return 'text'
}

function bash(verbs: readonly Completed[]): string {
  const cases = verbs.map(({ name, options, verbs, takesFiles }) => {
    const words = [...verbs, ...options].map((each) => each.name).join(' ')
    return `    ${name}) words='${words} --help'; files=${takesFiles ? 1 : 0} ;;`
  })
  const after = [...new Set(verbs.flatMap(({ options }) => options))].flatMap(({ name, choices, kind }) =>
    kind === 'choice'
      ? [`    ${name}) COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$current")); return ;;`]
      : [],
  )
  return `# Completion of straightway for bash: source <(straightway completion bash)
_straightway() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" words='' files=0
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${verbs.map(({ name }) => name).join(' ')} help --help --version' -- "$current"))
    return
  fi
  case "$before" in
    --home|--dir|--receive) COMPREPLY=($(compgen -d -- "$current")); return ;;
${[...new Set(after)].join('\n')}
  esac
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ "$files" -eq 1 ] && [ "$COMP_CWORD" -gt 2 ]; then COMPREPLY+=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _straightway straightway
`
}

function zsh(verbs: readonly Completed[]): string {
  const list = verbs.map(({ name, description }) => `    ${quoted(`${name}:${description}`)}`)
  const cases = verbs.map(({ name, options, verbs, takesFiles }) => {
    const specs = options.map((option) => `      ${quoted(zshOption(option))}`)
    const words =
      verbs.length > 0 ? [`      ${quoted(`1:what:(${verbs.map((each) => each.name).join(' ')})`)}`] : []
    const files = takesFiles ? [`      ${quoted('*:file:_files')}`] : []
    return `    ${name}) _arguments \\\n${[...specs, ...words, ...files].join(' \\\n')} ;;`
  })
  return `#compdef straightway
# Completion of straightway for zsh: source <(straightway completion zsh)
_straightway() {
  local -a verbs
  verbs=(
${list.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe verb verbs
    return
  fi
  local verb="$words[2]"
  shift words
  (( CURRENT-- ))
  case "$verb" in
${cases.join('\n')}
  esac
}
compdef _straightway straightway
`
}

function zshOption({ name, description, choices, kind }: Completed['options'][number]): string {
  const about = `${name}[${description.replace(/[[\]:]/g, ' ')}]`
  if (kind === 'nothing') return about
  if (kind === 'choice') return `${about}:which:(${choices.join(' ')})`
  return `${about}:value:${kind === 'folder' ? '_files -/' : ' '}`
}

function fish(verbs: readonly Completed[]): string {
  const names = verbs.map(({ name }) => name).join(' ')
  const lines = verbs.flatMap(({ name, description, options, verbs, takesFiles }) => [
    `complete -c straightway -n "not __fish_seen_subcommand_from ${names}" -f -a ${name} -d ${quoted(description)}`,
    ...(takesFiles ? [`complete -c straightway -n "__fish_seen_subcommand_from ${name}" -F`] : []),
    ...verbs.map(
      (each) =>
        `complete -c straightway -n "__fish_seen_subcommand_from ${name}" -f -a ${each.name} -d ${quoted(each.description)}`,
    ),
    ...options.map((option) => fishOption(name, option)),
  ])
  return `# Completion of straightway for fish: straightway completion fish | source\n${lines.join('\n')}\n`
}

function fishOption(
  verb: string,
  { name, description, choices, kind }: Completed['options'][number],
): string {
  const wants = {
    nothing: '',
    choice: ` -x -a '${choices.join(' ')}'`,
    folder: " -x -a '(__fish_complete_directories)'",
    text: ' -x',
    file: ' -r',
  }
  return `complete -c straightway -n "__fish_seen_subcommand_from ${verb}" -l ${name.replace(/^--/, '')}${wants[kind]} -d ${quoted(description)}`
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
