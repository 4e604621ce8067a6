/** Carries out the acts of a schedule: begins each fault, and ends it when its time is over. */
import type { Group } from './peers/group.ts'
import type { Recorder } from './recorder.ts'
import type { Registrar } from './registrar.ts'
import { type Act, groupOf, type Schedule } from './schedule.ts'
import { type Stage, signal } from './stage/stage.ts'

export interface Actors {
  readonly schedule: Schedule
  readonly stage: Stage
  readonly groups: readonly Group[]
  readonly registrar: Registrar
  readonly recorder: Recorder
}

/** How a fault ends. */
type Mend = () => void

export class Acts {
  readonly #actors: Actors
  /** Faults that are in force, each with the timer that ends it. */
  readonly #inForce = new Map<Mend, NodeJS.Timeout>()
  readonly #away = new Set<number>()
  /** Nodes that are stopped now, and how often. */
  readonly #stopped = new Map<number, number>()

  constructor(actors: Actors) {
    this.#actors = actors
  }

  perform(act: Act): void {
    const mend = this.#begin(act)
    if (mend === 'void') return
    const { at: _, ...told } = act
    this.#actors.recorder.record({ kind: 'fault', act: told })
    if (mend === undefined || !('ms' in act)) return
    const timer = setTimeout(() => this.#end(mend), act.ms)
    this.#inForce.set(mend, timer)
  }

  /** Ends every fault that is still in force. */
  mendAll(): void {
    for (const mend of [...this.#inForce.keys()]) this.#end(mend)
  }

  #end(mend: Mend): void {
    clearTimeout(this.#inForce.get(mend))
    this.#inForce.delete(mend)
    mend()
  }

  /** Begins a fault. `void`: it could not begin, because what it concerns is not there. Undefined: it has no end. */
  #begin(act: Act): Mend | undefined | 'void' {
    const { stage, groups, registrar } = this.#actors
    switch (act.kind) {
      case 'kill-node':
        return signal(stage.nodes[act.node]!.pid, 'SIGKILL') ? undefined : 'void'
      case 'pause-node':
        return this.#pauseNode(act.node)
      case 'pause-peers':
        groups[act.group]!.pause()
        return () => groups[act.group]!.resume()
      case 'drop-gateway':
        stage.nodes[act.node]!.wire.cut()
        return () => stage.nodes[act.node]!.wire.mend()
      case 'stall-gateway':
        stage.nodes[act.node]!.wire.stall()
        return () => stage.nodes[act.node]!.wire.flow()
      case 'tables':
        stage.tables[act.of].set(act.fault, act.share)
        return () => stage.tables[act.of].end(act.fault)
      case 'part-nodes':
        stage.between.part(act.node, act.other)
        return () => stage.between.join(act.node, act.other)
      case 'part-peers':
        stage.access[act.group]!.cut(act.what)
        return () => stage.access[act.group]!.mend(act.what)
      case 'lose-datagrams':
        stage.access[act.group]!.lose(act.share)
        return () => stage.access[act.group]!.lose(0)
      case 'rebind':
        stage.access[act.group]!.rebind()
        return undefined
      case 'clock-node':
        stage.nodes[act.node]!.setClock(act.aheadMs)
        return () => stage.nodes[act.node]!.setClock(0)
      case 'clock-peers':
        groups[act.group]!.order({ kind: 'clock', aheadMs: act.aheadMs })
        return () => groups[act.group]!.order({ kind: 'clock', aheadMs: 0 })
      case 'restart-peer':
        return this.#restart(act.peer)
      case 'member':
        registrar.member(act.user, act.network, act.joins)
        return undefined
      case 'object':
        registrar.object(act.object, act.level)
        return undefined
    }
  }

  #pauseNode(node: number): Mend | 'void' {
    const { pid } = this.#actors.stage.nodes[node]!
    if (!signal(pid, 'SIGSTOP')) return 'void'
    this.#stopped.set(pid, (this.#stopped.get(pid) ?? 0) + 1)
    return () => {
      const left = (this.#stopped.get(pid) ?? 1) - 1
      this.#stopped.set(pid, left)
      if (left === 0) signal(pid, 'SIGCONT')
    }
  }

  #restart(peer: number): Mend | 'void' {
    if (this.#away.has(peer)) return 'void'
    this.leave(peer)
    return () => this.bringBack(peer)
  }

  leave(peer: number): void {
    this.#away.add(peer)
    this.#groupOf(peer).order({ kind: 'leave', peer })
  }

  bringBack(peer: number): void {
    if (!this.#away.delete(peer)) return
    this.#groupOf(peer).order({ kind: 'return', peer })
  }

  bringAllBack(): void {
    for (const peer of [...this.#away]) this.bringBack(peer)
  }

  #groupOf(peer: number): Group {
    const { groups, schedule } = this.#actors
    return groups[groupOf(peer, schedule)]!
  }
}
