/*
 * The message protocol as a model for spin: one sender, one recipient, two nodes, the directory, the mailbox and the
 * pushes. README.md maps each action to the code and says what the model leaves out.
 *
 * Everything that may happen is an action: a `::` that is executed whole. What may go wrong has a budget, so that the
 * state space is finite. Messages are numbered 1 .. messages. Nodes are 0 and 1.
 *
 * The budgets and the deliberate mistake come from the environment of the checker (run.ts).
 */
#define NOWHERE 2

/* The state of a mailbox at the node of its recipient: `Inflow.mailbox` of checkpoint/inflow.ts. */
#define EMPTY 0
#define UNREAD 1
#define READING 2
#define HANDING 3

/* Outcomes of a message for its sender. */
#define NONE 0
#define DELIVERED 1
#define STORED 2
/* Outcomes between nodes. */
#define TAKEN 3
#define NOT_HERE 4

/* Deliberate mistakes: each must be found. */
#define NODE_ACKNOWLEDGES 1
#define STALE_STANDING 2
#define MAILBOX_FORGOTTEN 3
#define READ_TOO_EARLY 4

/* Budgets: how often each thing may go wrong, in any order and at any moment. */
byte losses;       /* datagrams between nodes */
byte failures;   /* writes to tables that were made and whose answer is lost */
byte deaths;       /* a node dies and starts again with nothing */
byte moves;         /* the recipient signs in elsewhere, or leaves and comes back */
byte senderMoves;
byte cuts;           /* a node's connection for pushes breaks */
byte blocks;       /* the recipient's user blocks the sender, or takes it back */
byte hasty;         /* a retransmission while the first copy is still on its way */
/* Retransmissions since something last changed: bounded liveness. */
byte fruitless = 0;
byte messages;              /* how many the sender sends: at most 3 */
byte mistake;               /* which of the deliberate mistakes is made; 0 for none */

typedef Flags { bool at[4] };
typedef Numbers { byte at[4] };

/* The sender: `Outbox`. */
byte sent = 0;
bool flying[4];
byte previous[4];
bool previousIsStored[4];
byte last = 0;
bool lastIsStored = false;
byte senderAt = 0;
bool senderIn[2];           /* that the node believes the sender to be there */

/* The recipient: `Inbox`. */
bool delivered[4];
bool held[4];
byte heldFor[4];
byte lastDelivered = 0;
byte recipientAt = 1;

/* The tables. */
byte directory = 1;
bool inMailbox[4];
byte mailPrevious[4];
bool mailPreviousIsStored[4];
bool isBlocked = false;
bool isBlockTold = false;   /* the node of the recipient was told, or reads it when it trusts its memory again */
/* Messages whose first copy left the sender after that. */
bool submittedBlocked[4];
/* Messages that were stored while blocked: they take no space. */
bool dropped[4];

/* The nodes. */
bool here[2];                 /* the node believes that the recipient is signed in here */
byte mailbox[2];
bool more[2];
Flags live[2];
Flags parked[2];
Numbers heldPrevious[2];    /* of live and parked messages */
Flags heldStored[2];
Numbers origin[2];          /* the node that live and parked messages came from */
Flags page[2];
Flags toHand[2];            /* of the page, not yet judged */
Numbers pagePrevious[2];
Flags pageStored[2];
Flags done[2];
/* Requests to the tables that are not answered: one read, and the entries that are to be discarded. */
bool isRead[2];             /* the tables were read, and the answer is on its way */
Flags snapshot[2];
bool discarding[2];
Flags discarded[2];
Flags storing[2];
Numbers storePrevious[2];
Flags storeStored[2];
Numbers storeOrigin[2];
Flags forwarding[2];
Numbers lookUps[2];
Numbers forwardPrevious[2];
Flags forwardStored[2];
byte cache[2] = NOWHERE;    /* where the node remembers the recipient to be */

/* Standing: whether the node may trust what it knows of the recipient, and what it knows of the block. */
bool trusted[2];
bool knowsBlock[2];
bool asking[2];
bool answer[2];
bool doubted[2];            /* doubted again while the answer is on its way */
bool connected[2] = true;
bool blockPush[2];
bool mailPush[2];

/* Sessions are reliable and ordered while they last. */
chan up = [6] of { byte, byte, bool };          /* sender to its node: number, previous, stored */
chan down = [12] of { byte, byte };              /* receipts to the sender: number, outcome */
chan taken[2] = [12] of { byte };                /* recipient to node */
/* Between nodes: datagrams, which may be overtaken. */
chan forward[2] = [6] of { byte, byte, bool, byte };
chan report[2] = [12] of { byte, byte };

hidden byte i;              /* for use inside of one action only */
hidden byte j;

#define other(n) (1 - (n))
#define anyOf(set) (set.at[1] || set.at[2] || set.at[3])
#define lowestOf(set) (set.at[1] -> 1 : (set.at[2] -> 2 : 3))

inline progress() { fruitless = 0 }



inline clear1(c) { do :: nempty(c) -> c?_ :: empty(c) -> break od }
inline clear4(c) { do :: nempty(c) -> c?_, _ :: empty(c) -> break od }

/* Messages that are sent between nodes. A full channel loses them, as a flood would. */
inline datagram(to, number, what) {
  if :: nfull(report[to]) -> report[to]!number, what :: full(report[to]) -> skip fi
}

inline toSender(number, what) {
  if :: nfull(down) -> down!number, what :: full(down) -> skip fi
}

/* `Receipts.send`: to the sender here, or to the node the message came from, or to where the directory finds the sender. */
inline receipt(n, number, what, from) {
  if
  :: senderIn[n] -> if :: senderAt == n -> toSender(number, what) :: else -> skip fi
  :: !senderIn[n] && from != n && from != NOWHERE -> datagram(from, number, what)
  :: !senderIn[n] && (from == n || from == NOWHERE) ->
     if :: what == DELIVERED && senderAt != NOWHERE && senderAt != n -> datagram(senderAt, number, what) :: else -> skip fi
  fi
}

/* Forgets what will not be used again, so that equal states are recognised as equal. Ends each action of a node. */
inline tidy(n) {
  for (i : 1 .. messages) {
    if :: live[n].at[i] || parked[n].at[i] -> skip
       :: else -> heldPrevious[n].at[i] = 0; heldStored[n].at[i] = false; origin[n].at[i] = 0
    fi;
    if :: storing[n].at[i] -> skip
       :: else -> storePrevious[n].at[i] = 0; storeStored[n].at[i] = false; storeOrigin[n].at[i] = 0
    fi;
    if :: forwarding[n].at[i] -> skip
       :: else -> forwardPrevious[n].at[i] = 0; forwardStored[n].at[i] = false; lookUps[n].at[i] = 0
    fi;
    if :: page[n].at[i] -> skip :: else -> pagePrevious[n].at[i] = 0; pageStored[n].at[i] = false fi;
    if :: inMailbox[i] -> skip :: else -> mailPrevious[i] = 0; mailPreviousIsStored[i] = false fi
  }
  if :: here[n] -> skip :: else -> trusted[n] = false; knowsBlock[n] = false; asking[n] = false fi;
  if :: asking[n] -> skip :: else -> answer[n] = false; doubted[n] = false fi
}

/* `Mailboxes.store`: asks the tables; the answer comes later. */
inline store(n, number, before, stored, from) {
  storing[n].at[number] = true;
  storePrevious[n].at[number] = before;
  storeStored[n].at[number] = stored;
  storeOrigin[n].at[number] = from
}

/* `Messages.#look` and `#routeTo`. */
inline look(n, number, before, stored, from, count) {
  if
  :: cache[n] != NOWHERE && cache[n] != directory -> j = cache[n]
  :: directory == other(n) && (!isBlocked || cache[n] == directory) -> j = directory; cache[n] = directory
  :: directory != other(n) || (isBlocked && cache[n] != directory) -> j = NOWHERE; cache[n] = NOWHERE
  fi;
  if
  :: j == other(n) && count < 2 ->
     forwarding[n].at[number] = true;
     lookUps[n].at[number] = count;
     forwardPrevious[n].at[number] = before;
     forwardStored[n].at[number] = stored;
     if :: nfull(forward[j]) -> forward[j]!number, before, stored, n :: full(forward[j]) -> skip fi
  :: else -> store(n, number, before, stored, from)
  fi
}

/* `Mailboxes.#read`: one at a time. */
inline startRead(n) {
  if
  :: mailbox[n] == READING -> more[n] = (mistake != READ_TOO_EARLY)
  :: else -> mailbox[n] = READING; more[n] = false
  fi
}

/* `Mailboxes.arrived`. */
inline arrived(n) {
  if
  :: here[n] ->
     more[n] = true;
     if :: mailbox[n] == EMPTY || mailbox[n] == UNREAD -> startRead(n) :: else -> skip fi
  :: else -> skip
  fi
}

/* `Inbox`: delivers once and in order. The node hears of it later. */
inline deliver(n, number) {
  assert(!delivered[number]);
  assert(number > lastDelivered);
  assert(!submittedBlocked[number]);
  delivered[number] = true; held[number] = false; heldFor[number] = 0; lastDelivered = number; progress();
  taken[n]!number
}

inline receive(n, number, before) {
  if
  :: delivered[number] -> taken[n]!number
  :: !delivered[number] && before > 0 && !delivered[before] -> held[number] = true; heldFor[number] = before
  :: else ->
     deliver(n, number);
     if :: messages > 1 && held[2] && (heldFor[2] == 0 || delivered[heldFor[2]]) -> deliver(n, 2) :: else -> skip fi;
     if :: messages > 2 && held[3] && (heldFor[3] == 0 || delivered[heldFor[3]]) -> deliver(n, 3) :: else -> skip fi
  fi
}

/* `predecessorOf`: a stored predecessor that has left the mailbox is not named. */
inline handOver(n, number, before, stored) {
  if :: stored && !page[n].at[before] -> j = 0 :: else -> j = before fi;
  if :: recipientAt == n -> receive(n, number, j) :: else -> skip fi
}

inline handLive(n, number, before, stored, from) {
  live[n].at[number] = true;
  heldPrevious[n].at[number] = before;
  heldStored[n].at[number] = stored;
  origin[n].at[number] = from;
  if :: mistake == NODE_ACKNOWLEDGES -> receipt(n, number, DELIVERED, from) :: else -> skip fi;
  handOver(n, number, before, stored)
}

/* `Deliveries.#pass`, after the recipient's standing allowed it. */
inline pass(n, number, before, stored, from) {
  if
  :: live[n].at[number] && heldPrevious[n].at[number] == before && heldStored[n].at[number] == stored ->
     origin[n].at[number] = from
  :: else ->
     if :: stored && (mailbox[n] == EMPTY || mailbox[n] == READING) -> startRead(n) :: else -> skip fi;
     if
     :: mailbox[n] == READING ->
        parked[n].at[number] = true;
        heldPrevious[n].at[number] = before;
        heldStored[n].at[number] = stored;
        origin[n].at[number] = from
     :: mailbox[n] == EMPTY -> handLive(n, number, before, stored, from)
     :: else -> store(n, number, before, stored, from)
     fi
  fi
}

/* `Deliveries.resume`: what was parked is handed over, or stored behind what is in the mailbox. */
inline resume(n) {
  for (i : 1 .. messages) {
    if
    :: parked[n].at[i] ->
       parked[n].at[i] = false;
       if
       :: mailbox[n] == EMPTY -> handLive(n, i, heldPrevious[n].at[i], heldStored[n].at[i], origin[n].at[i])
       :: else -> store(n, i, heldPrevious[n].at[i], heldStored[n].at[i], origin[n].at[i])
       fi
    :: else -> skip
    fi
  }
}

/* `Mailboxes.#turnOver`. */
inline turnOver(n) {
  discarding[n] = true;
  for (i : 1 .. messages) { discarded[n].at[i] = discarded[n].at[i] || done[n].at[i]; done[n].at[i] = false }
}

/* `Mailboxes.done` and `#oneLess`. */
inline oneLess(n, number) {
  page[n].at[number] = false;
  toHand[n].at[number] = false;
  if
  :: anyOf(page[n]) -> skip
  :: else -> if :: anyOf(done[n]) -> turnOver(n) :: mailbox[n] == READING && !anyOf(done[n]) -> more[n] = true :: else -> mailbox[n] = UNREAD fi
  fi
}

inline forgetRequests(n) {
  isRead[n] = false; discarding[n] = false;
  for (i : 1 .. messages) { snapshot[n].at[i] = false; discarded[n].at[i] = false }
}

/* `Mailboxes.#forgetEmpty`: answers to requests made before are no longer heard. */
inline forgetEmpty(n) {
  if
  :: mailbox[n] == EMPTY && !anyOf(live[n]) && !anyOf(parked[n]) && !more[n] -> forgetRequests(n)
  :: else -> skip
  fi
}

/* `Residence.#leave`: what was on its way to the session is routed again. */
inline leave(n) {
  here[n] = false;
  mailbox[n] = EMPTY;
  more[n] = false;
  forgetRequests(n);
  clear1(taken[n]);
  cache[n] = NOWHERE;
  trusted[n] = false;
  asking[n] = false;
  for (i : 1 .. messages) {
    page[n].at[i] = false; toHand[n].at[i] = false; done[n].at[i] = false;
    if
    :: live[n].at[i] || parked[n].at[i] ->
       live[n].at[i] = false; parked[n].at[i] = false;
       look(n, i, heldPrevious[n].at[i], heldStored[n].at[i], origin[n].at[i], 0)
    :: else -> skip
    fi
  }
}

inline handPage(n) {
  isRead[n] = false;
  for (i : 1 .. messages) {
    if
    :: snapshot[n].at[i] && !page[n].at[i] && !done[n].at[i] ->
       page[n].at[i] = true; toHand[n].at[i] = true;
       pagePrevious[n].at[i] = mailPrevious[i]; pageStored[n].at[i] = mailPreviousIsStored[i]
    :: else -> skip
    fi;
    snapshot[n].at[i] = false
  }
  mailbox[n] = (anyOf(page[n]) -> HANDING : EMPTY);
  if :: mailbox[n] == EMPTY && more[n] -> startRead(n) :: else -> resume(n) fi;
  if :: trusted[n] && anyOf(toHand[n]) -> judge(n) :: else -> skip fi;
  forgetEmpty(n)
}

/* `Mailboxes.#handMail`: messages of the page are judged and handed over, in their order. */
inline judge(n) {
  for (i : 1 .. messages) {
    if
    :: toHand[n].at[i] ->
       toHand[n].at[i] = false;
       if
       :: knowsBlock[n] && isBlocked -> done[n].at[i] = true; dropped[i] = true; page[n].at[i] = false
       :: else -> handOver(n, i, pagePrevious[n].at[i], pageStored[n].at[i])
       fi
    :: else -> skip
    fi
  };
  if :: mailbox[n] == HANDING && !anyOf(page[n]) && anyOf(done[n]) -> turnOver(n) :: else -> skip fi
}

inline discard(n) {
  discarding[n] = false;
  if
  :: failures > 0 -> failures--; progress()
  :: true ->
     for (i : 1 .. messages) {
       if
       :: discarded[n].at[i] -> assert(delivered[i] || dropped[i] || !inMailbox[i]); inMailbox[i] = false
       :: else -> skip
       fi
     }
  fi;
  for (i : 1 .. messages) { discarded[n].at[i] = false };
  startRead(n)
}

/* `Messages.#route`. */
inline route(n, number, before, stored, count) {
  if
  :: here[n] && !knowsBlock[n] -> pass(n, number, before, stored, n)
  :: else -> look(n, number, before, stored, n, count)
  fi
}

/* A node dies, and another one starts in its place with nothing. */
inline die(n) {
  here[n] = false; mailbox[n] = EMPTY; more[n] = false;
  trusted[n] = false; knowsBlock[n] = false; asking[n] = false; doubted[n] = false; connected[n] = true;
  blockPush[n] = false; mailPush[n] = false; cache[n] = NOWHERE; senderIn[n] = false;
  forgetRequests(n);
  for (i : 1 .. messages) {
    live[n].at[i] = false; parked[n].at[i] = false; page[n].at[i] = false; toHand[n].at[i] = false; done[n].at[i] = false;
    storing[n].at[i] = false; forwarding[n].at[i] = false
  }
  do :: nempty(forward[n]) -> forward[n]?_, _, _, _ :: empty(forward[n]) -> break od;
  clear4(report[n]); clear1(taken[n]);
  if :: senderAt == n -> clearSender(); senderAt = NOWHERE :: else -> skip fi;
  if :: recipientAt == n -> recipientAt = NOWHERE :: else -> skip fi
}

inline clearSender() {
  do :: nempty(up) -> up?_, _, _ :: empty(up) -> break od;
  clear4(down)
}

/* Nothing is on its way, and everybody is signed in: only a retransmission can help. */
#define idle(n) (empty(taken[n]) && empty(forward[n]) && empty(report[n]) && \
  mailbox[n] != READING && !discarding[n] && \
  !(mailbox[n] == HANDING && more[n]) && mailbox[n] != UNREAD && \
  !anyOf(storing[n]) && !anyOf(forwarding[n]) && !anyOf(toHand[n]) && !asking[n] && !blockPush[n] && !mailPush[n] && \
  connected[n] && (!here[n] || recipientAt == n))
#define quiet (empty(up) && empty(down) && idle(0) && idle(1) && senderAt != NOWHERE && recipientAt != NOWHERE && \
  here[recipientAt])
#define flyingAny (flying[1] || flying[2] || flying[3])
#define blockIsKnown (isBlocked && (isBlockTold || recipientAt == NOWHERE))

/* `Outbox.#leaveBehind`, `#markStored` and `settle`. */
inline settle(number, what) {
  if :: last == number && what == DELIVERED -> last = 0; lastIsStored = false
     :: last == number && what == STORED -> lastIsStored = true
     :: else -> skip
  fi;
  for (i : 1 .. messages) {
    if
    :: flying[i] && previous[i] == number && what == DELIVERED -> previous[i] = 0; previousIsStored[i] = false
    :: flying[i] && previous[i] == number && what == STORED -> previousIsStored[i] = true
    :: else -> skip
    fi
  }
  if
  :: flying[number] ->
     flying[number] = false; previous[number] = 0; previousIsStored[number] = false;
     progress();
     /* What is acknowledged is not lost. */
     assert(what != DELIVERED || delivered[number]);
     assert(what != STORED || delivered[number] || inMailbox[number] || dropped[number])
  :: else -> skip
  fi
}

/* `Outbox.send`: everything without a receipt, or only what was just added. */
inline submit(number) {
  if
  :: senderAt != NOWHERE && nfull(up) -> up!number, previous[number], previousIsStored[number]
  :: senderAt == NOWHERE || full(up) -> skip
  fi
}

inline submitAll() { for (i : 1 .. messages) { if :: flying[i] -> submit(i) :: else -> skip fi } }

proctype Sender() {
  byte m; byte w;
end: do
  :: atomic { sent < messages ->
       sent++;
       flying[sent] = true;
       previous[sent] = last; previousIsStored[sent] = lastIsStored;
       last = sent; lastIsStored = false;
       submittedBlocked[sent] = blockIsKnown;
       progress(); submit(sent) }
  :: atomic { senderAt != NOWHERE && nempty(down) -> down?m, w; settle(m, w); m = 0; w = 0 }
  /* A session that ended is followed by another one, in which everything without a receipt is sent again: `Outbox.restart`. */
  :: atomic { senderAt == NOWHERE ->
       if :: senderAt = 0 :: senderAt = 1 fi;
       senderIn[senderAt] = true;
       submitAll() }
  :: atomic { quiet && flyingAny ->
       fruitless++;
       /* Something moves after a few retransmissions without a fault. */
       assert(fruitless <= 3);
       submitAll() }
  /* In the end everything that was sent is delivered, unless a block dropped it. */
  :: atomic { quiet && !flyingAny && sent == messages ->
       for (i : 1 .. messages) { assert(delivered[i] || dropped[i] || (held[i] && dropped[heldFor[i]])) } }
  :: atomic { hasty > 0 && flyingAny && empty(up) -> hasty--; submitAll() }
  od
}

proctype Recipient() {
end: do
  /* `Inbox.expire`: a predecessor that a block dropped is not waited for longer than a minute. */
  :: atomic { quiet && held[2] && dropped[heldFor[2]] -> deliver(recipientAt, 2) }
  :: atomic { quiet && held[3] && dropped[heldFor[3]] -> deliver(recipientAt, 3) }
  /* The directory takes the recipient's new session, and the node learns the standing with the same answer: `Residence.join`, `#online`. */
  :: atomic { recipientAt == NOWHERE ->
       if :: recipientAt = 0 :: recipientAt = 1 fi;
       /* An older session at this node is replaced. */
       if :: here[recipientAt] -> leave(recipientAt) :: else -> skip fi;
       isBlockTold = true;
       directory = recipientAt; here[recipientAt] = true; more[recipientAt] = false; cache[recipientAt] = NOWHERE;
       trusted[recipientAt] = true; knowsBlock[recipientAt] = isBlocked; asking[recipientAt] = false;
       if :: mistake == MAILBOX_FORGOTTEN -> mailbox[recipientAt] = EMPTY :: else -> startRead(recipientAt) fi
     }
  od
}

proctype Node(byte me) {
  byte m; byte p; bool q; byte o; byte w;
end: do
  /* A message of the sender here: `Messages.submit`. */
  :: atomic { senderAt == me && nempty(up) &&
              !(here[me] && !trusted[me]) ->
       up?m, p, q;
       if
       :: forwarding[me].at[m] -> skip
       :: else -> route(me, m, p, q, 0)
       fi; m = 0; p = 0; q = false; tidy(me) }
  /* A message that another node forwarded: `Messages.arrive`. */
  :: atomic { nempty(forward[me]) && !(here[me] && !trusted[me]) ->
       if
       :: forward[me]?m, p, q, o
       :: forward[me]??[2, _, _, _] -> forward[me]??2, p, q, o; m = 2
       fi;
       if
       :: here[me] && !knowsBlock[me] ->
          pass(me, m, p, q, o);
          datagram(o, m, TAKEN)
       :: else -> datagram(o, m, NOT_HERE)
       fi; m = 0; p = 0; q = false; o = 0; tidy(me) }
  /* `Messages.acknowledged`. */
  :: atomic { nempty(report[me]) && !(here[me] && !trusted[me]) ->
       report[me]?m, w;
       if
       :: w == NOT_HERE && forwarding[me].at[m] ->
          forwarding[me].at[m] = false; cache[me] = NOWHERE; o = lookUps[me].at[m] + 1;
          route(me, m, forwardPrevious[me].at[m], forwardStored[me].at[m], o)
       :: w == NOT_HERE && !forwarding[me].at[m] -> skip
       :: else ->
          forwarding[me].at[m] = false;
          if :: w != TAKEN && senderIn[me] && senderAt == me -> toSender(m, w) :: else -> skip fi
       fi; m = 0; w = 0; o = 0; tidy(me) }
  /* No report within 1.5 s: the datagram or its report was lost. */
  :: atomic { anyOf(forwarding[me]) && empty(forward[other(me)]) && empty(report[me]) && !(here[me] && !trusted[me]) ->
       m = lowestOf(forwarding[me]);
       forwarding[me].at[m] = false; cache[me] = NOWHERE; o = lookUps[me].at[m] + 1;
       route(me, m, forwardPrevious[me].at[m], forwardStored[me].at[m], o);
       m = 0; o = 0; tidy(me) }
  /* The tables store a message. */
  :: atomic { anyOf(storing[me]) ->
       if :: storing[me].at[1] -> m = 1 :: storing[me].at[2] -> m = 2 :: storing[me].at[3] -> m = 3 fi;
       storing[me].at[m] = false;
       if
       :: isBlocked -> dropped[m] = true
       :: !isBlocked && !inMailbox[m] ->
          inMailbox[m] = true;
          mailPrevious[m] = storePrevious[me].at[m];
          mailPreviousIsStored[m] = storeStored[me].at[m];
          /* The stream tells the node of the recipient. A connection that is broken loses the push. */
          if :: directory != NOWHERE && connected[directory] -> mailPush[directory] = true :: else -> skip fi
       :: else -> skip
       fi;
       if
       :: failures > 0 -> failures--; progress()
       :: true ->
          receipt(me, m, STORED, storeOrigin[me].at[m]);
          arrived(me)
       fi; m = 0; tidy(me) }
  /* The tables are read, and the answer arrives: `Mailboxes.#read` and `#handPage`. */
  :: atomic { mailbox[me] == READING && !isRead[me] ->
       for (i : 1 .. messages) { snapshot[me].at[i] = inMailbox[i] };
       isRead[me] = true; tidy(me) }
  :: atomic { isRead[me] -> handPage(me); tidy(me) }
  :: atomic { mailbox[me] == UNREAD && here[me] -> startRead(me); tidy(me) }
  /* `Mailboxes.#again`. */
  :: atomic { mailbox[me] == HANDING && more[me] ->
       if :: anyOf(done[me]) -> turnOver(me) :: else -> startRead(me) fi; tidy(me) }
  :: atomic { anyOf(toHand[me]) && trusted[me] -> judge(me); tidy(me) }
  :: atomic { discarding[me] -> discard(me); tidy(me) }
  /* The recipient has a message: `Deliveries.receipt`. */
  :: atomic { nempty(taken[me]) && recipientAt == me && here[me] ->
       taken[me]?m;
       if
       :: live[me].at[m] || page[me].at[m] ->
          if :: live[me].at[m] -> receipt(me, m, DELIVERED, origin[me].at[m])
             :: else -> receipt(me, m, DELIVERED, NOWHERE)
          fi;
          live[me].at[m] = false;
          if :: page[me].at[m] -> done[me].at[m] = true; oneLess(me, m) :: else -> skip fi
       :: else -> skip
       fi; m = 0; tidy(me) }
  /* An abandoned session ends: by MOVED, by silence. It signs out only itself. */
  :: atomic { here[me] && recipientAt != me ->
       if :: directory == me -> directory = NOWHERE :: else -> skip fi;
       leave(me); tidy(me) }
  :: atomic { senderIn[me] && senderAt != me -> senderIn[me] = false; tidy(me) }
  /* The directory's reaper: the node that this entry names is dead. */
  :: atomic { directory == me && !here[me] -> directory = NOWHERE; tidy(me) }
  /* Standings: `Standings.#ask` and `#answered`. */
  :: atomic { here[me] && !trusted[me] && !asking[me] -> asking[me] = true; doubted[me] = false; answer[me] = isBlocked; tidy(me) }
  :: atomic { asking[me] ->
       asking[me] = false;
       if :: doubted[me] -> skip :: else -> trusted[me] = true; knowsBlock[me] = answer[me] fi; tidy(me) }
  /* Pushes. */
  :: atomic { blockPush[me] ->
       blockPush[me] = false;
       if :: recipientAt == me -> isBlockTold = true :: else -> skip fi;
       if :: here[me] && mistake != STALE_STANDING -> trusted[me] = false; doubted[me] = true :: else -> skip fi; tidy(me) }
  :: atomic { mailPush[me] -> mailPush[me] = false; arrived(me); tidy(me) }
  :: atomic { !connected[me] ->
       connected[me] = true;
       if :: recipientAt == me -> isBlockTold = true :: else -> skip fi;
       /* `Standings.back` and `Mailboxes.arrivedAnywhere`. */
       if :: here[me] && mistake != STALE_STANDING -> trusted[me] = false; doubted[me] = true :: else -> skip fi;
       arrived(me); tidy(me) }
  od
}

proctype World() {
  byte n;
end: do
  :: atomic { losses > 0 && nempty(forward[0]) -> losses--; progress(); forward[0]?_, _, _, _ }
  :: atomic { losses > 0 && nempty(forward[1]) -> losses--; progress(); forward[1]?_, _, _, _ }
  :: atomic { losses > 0 && nempty(report[0]) -> losses--; progress(); report[0]?_, _ }
  :: atomic { losses > 0 && nempty(report[1]) -> losses--; progress(); report[1]?_, _ }
  :: atomic { moves > 0 && recipientAt != NOWHERE -> moves--; progress(); clear1(taken[recipientAt]); recipientAt = NOWHERE }
  :: atomic { senderMoves > 0 && senderAt != NOWHERE -> senderMoves--; progress(); clearSender(); senderAt = NOWHERE }
  :: atomic { cuts > 0 ->
       cuts--; progress();
       if :: n = 0 :: n = 1 fi;
       connected[n] = false; blockPush[n] = false; mailPush[n] = false; n = 0 }
  :: atomic { blocks > 0 ->
       blocks--; progress();
       isBlocked = !isBlocked; isBlockTold = false;
       if :: directory != NOWHERE && connected[directory] -> blockPush[directory] = true :: else -> skip fi;
       for (i : 1 .. messages) { submittedBlocked[i] = false } }
  :: atomic { deaths > 0 -> deaths--; progress(); if :: n = 0 :: n = 1 fi; die(n); tidy(n); n = 0 }
  od
}

/* The sender is at node 0, the recipient at node 1. */
c_decl {
  static unsigned char option(const char *name) { const char *text = getenv(name); return text ? (unsigned char) atoi(text) : 0; }
}

init {
  atomic {
    c_code {
      now.messages = option("MESSAGES"); now.mistake = option("MISTAKE"); now.losses = option("LOSSES");
      now.failures = option("FAILURES"); now.deaths = option("DEATHS"); now.moves = option("MOVES");
      now.senderMoves = option("SENDER_MOVES"); now.cuts = option("CUTS"); now.blocks = option("BLOCKS"); now.hasty = option("HASTY");
    };
    here[1] = true; trusted[1] = true; senderIn[0] = true;
    run Sender(); run Recipient(); run Node(0); run Node(1); run World()
  }
}
