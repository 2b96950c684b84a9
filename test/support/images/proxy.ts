// A registry's address that misbehaves on purpose: stands before a real registry and breaks, slows or forges blobs.
import { createServer, type ServerResponse } from 'node:http';

export type BlobFault =
  | { readonly kind: 'none' }
  /** Some bytes, then the connection breaks. */
  | { readonly kind: 'break'; readonly afterBytes: number }
  /** Some bytes, then an orderly end. */
  | { readonly kind: 'end'; readonly afterBytes: number }
  /** Pauses once after some bytes. */
  | { readonly kind: 'stall'; readonly afterBytes: number; readonly pauseMs: number }
  /** Other content. */
  | { readonly kind: 'forge'; readonly content: Uint8Array }
  /** As if ranges were unknown. */
  | { readonly kind: 'no-ranges' };

export interface FaultyProxy {
  readonly url: string;
  /** Requests for blobs, `sha256:… bytes=…-`, in order. */
  readonly blobRequests: readonly string[];
  close(): void;
}

/** `fault` is asked for every blob request, with the number of requests for that blob before. */
export async function openFaultyProxy(
  target: string,
  fault: (digest: string, before: number) => BlobFault,
): Promise<FaultyProxy> {
  const blobRequests: string[] = [];
  const counts = new Map<string, number>();

  function chooseFault(path: string, range: string | undefined): BlobFault {
    const digest = /\/blobs\/(sha256:[0-9a-f]+)$/.exec(path)?.[1];
    if (digest === undefined) return { kind: 'none' };
    blobRequests.push(range === undefined ? digest : `${digest} ${range}`);
    const before = counts.get(digest) ?? 0;
    counts.set(digest, before + 1);
    return fault(digest, before);
  }

  const server = createServer(async (request, response) => {
    const { accept, range } = request.headers;
    const chosen = chooseFault(request.url ?? '', range);
    const answer = await fetch(target + request.url, {
      headers: {
        ...(accept === undefined ? {} : { Accept: accept }),
        ...(range === undefined || chosen.kind === 'no-ranges' ? {} : { Range: range }),
      },
    });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    for (const name of ['content-type', 'content-range']) {
      const value = answer.headers.get(name);
      if (value !== null) response.setHeader(name, value);
    }
    response.statusCode = answer.status;
    await misbehave(response, bytes, chosen);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    blobRequests,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function misbehave(response: ServerResponse, bytes: Uint8Array, fault: BlobFault): Promise<void> {
  switch (fault.kind) {
    case 'none':
    case 'no-ranges':
      response.end(bytes);
      return;
    case 'forge':
      response.end(fault.content);
      return;
    case 'end':
      response.end(bytes.subarray(0, fault.afterBytes));
      return;
    case 'break':
      response.write(bytes.subarray(0, fault.afterBytes));
      await Bun.sleep(50); // so that the first bytes leave
      response.destroy();
      return;
    case 'stall':
      response.write(bytes.subarray(0, fault.afterBytes));
      await Bun.sleep(fault.pauseMs);
      response.end(bytes.subarray(fault.afterBytes));
  }
}
