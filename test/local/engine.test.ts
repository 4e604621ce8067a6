import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DescribeTableCommand, DescribeTimeToLiveCommand } from '@aws-sdk/client-dynamodb'
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createTables, startEngine } from '../../local/engine.ts'
import { createClient, tableName } from '../../shared/store/client.ts'

describe('the embedded engine', () => {
  test('makes every table with its indexes, stream and expiry, twice without harm', async () => {
    const engine = await startEngine()
    onTestFinished(() => engine.close())
    const client = createClient(engine)
    await createTables(client)
    await createTables(client)
    const { Table } = await client.send(new DescribeTableCommand({ TableName: tableName('Mailbox') }))
    expect(Table?.StreamSpecification).toEqual({ StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' })
    expect(Table?.KeySchema?.map((key) => key.AttributeName)).toEqual(['peer', 'entry'])
    const expiry = await client.send(new DescribeTimeToLiveCommand({ TableName: tableName('Fleet') }))
    expect(expiry.TimeToLiveDescription?.AttributeName).toBe('expiresAtSeconds')
    const peers = await client.send(new DescribeTableCommand({ TableName: tableName('Peers') }))
    expect(peers.Table?.GlobalSecondaryIndexes?.map((index) => index.IndexName)).toEqual(['byUser'])
  })

  test('keeps what was written in a data folder over a restart', async () => {
    const data = await mkdtemp(join(tmpdir(), 'straightway-'))
    onTestFinished(() => rm(data, { recursive: true }))
    const first = await startEngine({ data })
    await createTables(createClient(first))
    await createClient(first).send(new PutCommand({ TableName: 'ApiKeys', Item: { key: 'k', name: 'kept' } }))
    await first.close()
    const second = await startEngine({ data })
    onTestFinished(() => second.close())
    const read = await createClient(second).send(new GetCommand({ TableName: 'ApiKeys', Key: { key: 'k' } }))
    expect(read.Item).toEqual({ key: 'k', name: 'kept' })
  })

  test('ends with the process that started it, even when that is killed', async () => {
    const script = `
      import { startEngine } from ${JSON.stringify(new URL('../../local/engine.ts', import.meta.url).href)}
      console.log((await startEngine()).endpoint)`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]
    const endpoint = line.toString().trim()
    expect((await fetch(endpoint)).ok).toBe(true)
    parent.kill('SIGKILL')
    await expect
      .poll(
        () =>
          fetch(endpoint).then(
            () => 'alive',
            () => 'gone',
          ),
        { timeout: 10_000 },
      )
      .toBe('gone')
  })

  test('is started again when it dies, with what was written', async () => {
    const said: string[] = []
    const engine = await startEngine({ log: (line) => said.push(line) })
    onTestFinished(() => engine.close())
    const client = createClient(engine)
    await createTables(client)
    await client.send(new PutCommand({ TableName: 'ApiKeys', Item: { key: 'k', name: 'kept' } }))
    const died = engine.pid!
    process.kill(died, 'SIGKILL')
    await expect.poll(() => said).toEqual(['the embedded DynamoDB ended (SIGKILL); it is started again'])
    await expect.poll(() => engine.pid).not.toBe(died)
    const read = () => client.send(new GetCommand({ TableName: 'ApiKeys', Key: { key: 'k' } }))
    await expect
      .poll(async () => (await read().catch(() => undefined))?.Item)
      .toEqual({ key: 'k', name: 'kept' })
  })

  test('that keeps nothing leaves nothing behind', async () => {
    const engine = await startEngine()
    const [, file] = readFileSync(`/proc/${engine.pid}/cmdline`, 'utf8').split('--db-path\0')
    const folder = dirname(file!.split('\0')[0]!)
    expect(existsSync(folder)).toBe(true)
    await engine.close()
    expect(existsSync(folder)).toBe(false)
  })

  test('says so when the port is taken', async () => {
    const engine = await startEngine()
    onTestFinished(() => engine.close())
    const port = Number(new URL(engine.endpoint).port)
    await expect(startEngine({ port })).rejects.toMatchObject({ code: 'unavailable' })
  })
})
