// Asks a watch's stream how far its server has come, in a way that the server answers.
import type { Revision } from '../port.ts';
import type { MessageStream } from './connection.ts';
import { encodeWatchCancel, encodeWatchCreate, WATCH_PROGRESS_REQUEST, type WatchAnswer } from './messages.ts';

/** No store comes so far, so that a watch from there on never has events. */
const NEVER: Revision = Number.MAX_SAFE_INTEGER;
/** Answers about the stream as a whole carry this number instead of a watch's. */
const WHOLE_STREAM = -1n;

/** What an answer is about. `stream`: an answer to a question; its revision may overtake events of the watch. */
type Subject = 'watch' | 'stream' | 'nothing';

export interface ProgressQuestions {
  ask(): void;
  /** To be called with every answer, in order. */
  subjectOf(answer: WatchAnswer): Subject;
}

/**
 * Servers before 3.4 do not know the question (https://etcd.io/docs/v3.4/learning/api: WatchRequest). Every version says
 * where it is when a watch is opened: so one that has left the question unanswered is asked by opening another watch on the
 * same stream, which is closed at once.
 */
export function createProgressQuestions(stream: MessageStream, prefix: string): ProgressQuestions {
  let asked = 0;
  let answersQuestions = false;
  let own: bigint | undefined;
  const probes = new Set<bigint>();

  /** The first one to be created is the watch that the stream is for. */
  function takeCreated(answer: WatchAnswer): Subject {
    if (own === undefined || own === answer.watchId) {
      own = answer.watchId;
      return 'watch';
    }
    probes.add(answer.watchId);
    if (!answer.canceled) stream.send(encodeWatchCancel(answer.watchId));
    return 'stream';
  }

  return {
    ask() {
      stream.send(WATCH_PROGRESS_REQUEST);
      if (asked > 0 && !answersQuestions) stream.send(encodeWatchCreate(prefix, NEVER));
      asked += 1;
    },
    subjectOf(answer) {
      if (answer.created) return takeCreated(answer);
      if (probes.has(answer.watchId)) return 'nothing';
      if (answer.watchId !== WHOLE_STREAM) return 'watch';
      if (answer.canceled) return 'watch';
      answersQuestions = true;
      return 'stream';
    },
  };
}
