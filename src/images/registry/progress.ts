// What a fetch tells while it runs, and how that looks on standard error.
import { escapeLine } from '../../base/escape.ts';

/** One thing that happened. */
export type FetchEvent =
  /** Bytes of one layer so far; `totalBytes` undefined when the server sent no Content-Length. */
  | {
      readonly kind: 'layer';
      readonly digest: string;
      readonly receivedBytes: number;
      readonly totalBytes: number | undefined;
    }
  /** A line that is always shown, without its `image: ` prefix. */
  | { readonly kind: 'note'; readonly text: string }
  /** A line that only `--debug` shows, without its `image: ` prefix. */
  | { readonly kind: 'debug'; readonly text: string };

/** Called synchronously, for layers with every chunk. */
export type FetchProgress = (event: FetchEvent) => void;

/** Where to draw. */
export interface ProgressOutput {
  readonly write: (text: string) => void;
  /** Moves a terminal's cursor up, so that lines are drawn anew. */
  readonly moveUp: (lines: number) => void;
  /** Whether lines can be redrawn. */
  readonly isTerminal: boolean;
  /** Show `debug` events. */
  readonly debug: boolean;
}

/** Draws until closed. */
export interface ProgressDisplay {
  readonly report: FetchProgress;
  /** Draws the last state and stops. */
  close(): void;
}

const REFRESH_MS = 500;
const COLUMNS = 80;

interface LayerState {
  readonly digest: string;
  readonly receivedBytes: number;
  readonly totalBytes: number | undefined;
}

/** Draws one line per layer every 500 ms, and notes as they come. Nothing is drawn when nothing is reported. */
export function openProgressDisplay(output: ProgressOutput): ProgressDisplay {
  const layers = new Map<string, LayerState>();
  const finished = new Set<string>();
  let drawnLines = 0;
  let timer: ReturnType<typeof setInterval> | undefined;

  function draw(): void {
    if (layers.size === 0) return;
    if (output.isTerminal && drawnLines > 0) output.moveUp(drawnLines);
    const due = [...layers.values()].filter((layer) => output.isTerminal || !finished.has(layer.digest));
    for (const layer of due) {
      output.write(`${formatLayerLine(layer, output.isTerminal)}\n`);
      if (layer.receivedBytes === layer.totalBytes) finished.add(layer.digest);
    }
    drawnLines = layers.size;
  }

  return {
    report(event) {
      if (event.kind === 'layer') {
        layers.set(event.digest, event);
        timer ??= setInterval(draw, REFRESH_MS);
      } else if (event.kind === 'note' || output.debug) {
        output.write(`image: ${escapeLine(event.text)}\n`);
        drawnLines = 0;
      }
    },
    close() {
      clearInterval(timer);
      draw();
    },
  };
}

/**
 * `Downloading sha256:8ddc19f1652 [=====   ] 668 KB / 668 KB`, 80 columns with the bar. Source: rkt v1.30.0,
 * rkt/image/io.go.
 */
export function formatLayerLine(layer: LayerState, withBar: boolean): string {
  const label = `Downloading ${layer.digest.slice(0, 18)}`;
  const total = layer.totalBytes === undefined ? '?' : formatDecimalSize(layer.totalBytes);
  const sizes = `${formatDecimalSize(layer.receivedBytes)} / ${total}`.padEnd(17);
  if (!withBar) return `${label}  ${sizes.trimEnd()}`;
  const width = COLUMNS - label.length - sizes.length - 4;
  const share = layer.totalBytes ? Math.min(1, layer.receivedBytes / layer.totalBytes) : 0;
  return `${label} [${'='.repeat(Math.floor(share * width)).padEnd(width)}] ${sizes}`;
}

/** Three significant digits and a decimal unit: `668 KB`, `1.2 MB`, `12 B`. */
export function formatDecimalSize(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (Number(value.toPrecision(3)) >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(3))} ${units[unit]}`;
}
