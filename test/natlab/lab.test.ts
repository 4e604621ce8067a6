import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { Lab } from './lab.ts'
import { laboratory } from './laboratory.ts'
import { NAT_KINDS } from './nat-kinds.ts'
import { startOracle } from './oracle.ts'

laboratory('the laboratory', {}, () => {
  it.each(Object.values(NAT_KINDS))('$name is what it says, on both sides', async (kind) => {
    await using lab = await Lab.start({ left: kind, right: kind })
    const ask = await startOracle(lab)
    for (const finding of await Promise.all([ask('left'), ask('right')])) {
      const { mapping, filtering, preserves, poisoned } = finding
      expect({ mapping, filtering, preserves }).toEqual(kind.expected)
      expect(poisoned).toBe(kind.unsolicited === 'accept' || !preserves)
    }
  })

  it('has six routers between the two hosts', async () => {
    await using lab = await Lab.start({ left: NAT_KINDS.open, right: NAT_KINDS.open })
    const ping = (ttl: number) => lab.run('left', ['ping', '-c1', '-W1', '-t', String(ttl), '198.18.2.10'])
    await expect(ping(6)).rejects.toThrow()
    await expect(ping(7)).resolves.toContain('1 received')
  })

  it('leaves nothing behind, not even when it could not be built', async () => {
    const broken = { ...NAT_KINDS.open, admission: 'no such rule' }
    await expect(Lab.start({ left: NAT_KINDS.open, right: broken })).rejects.toThrow('no such')
    const left = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })
    expect(left).not.toContain(`straightway-${process.pid}-`)
  })
})
