import { describe, expect, test } from 'vitest'
import { refusalOfFile, refusalOfPath } from '../../serve/file-names.ts'

describe('a name that a peer may not give to a file', () => {
  test.each([
    ['a dot file', '.bash_profile', 'begins with a dot'],
    ['a dot file on HFS+, which does not see joiners', '\u200c.bash_profile', 'begins with a dot'],
    ['the same further in', 'photos/\u200d\u200c.git/hooks/post-checkout', 'begins with a dot'],
    ['the folder of transfers on HFS+', '\u200c.straightway', 'begins with a dot'],
    ['a dot file with a variation selector', '\ufe0f.ssh', 'begins with a dot'],
    ['an option of the next `rm *`', '-rf', 'begins with a dash'],
    ['the same behind a joiner', '\u200d--checkpoint-action=exec=sh', 'begins with a dash'],
    ['a name of nothing but joiners', '\u200d\u200c', 'has invisible characters in it'],
    ['a device of Windows', 'aux.txt', 'is reserved on Windows'],
    ['a device of Windows with a joiner in it', 'co\u200dn', 'is reserved on Windows'],
    ['one that Windows cuts', 'a.exe. ', 'ends with a dot or a space'],
    ['one that Windows cuts, behind a joiner', 'a.exe.\u200d', 'ends with a dot or a space'],
    ['a way out', 'a/../../b', 'begins with a dot'],
    ['a way out on Windows', 'a\\..\\b', 'has a backslash in it'],
    ['one that reads backwards', 'gpj.\u202eexe', 'has invisible characters in it'],
  ])('%s', (_, name, refusal) => {
    expect(refusalOfPath(name, 'linux')).toBe(refusal)
  })

  test.each([
    'identity',
    'Identity',
    'photos/identity',
    'iden\u200dtity',
  ])('%j as a file, by which its folder looks like the home of a peer; a folder may have it', (name) => {
    expect(refusalOfFile(name, 'linux')).toBe('is that of the key of a peer')
    expect(refusalOfPath(name, 'linux')).toBeUndefined()
  })

  test.each([
    'brand identity',
    'identity.txt',
    'identity/logo.png',
    'notes.txt',
    'é/日本語.txt',
    '👩‍👩‍👧.png',
    'می‌خواهم.txt',
    'a - b',
    '…and so on',
  ])('%s is none', (name) => {
    expect(refusalOfFile(name, 'linux')).toBeUndefined()
  })
})
