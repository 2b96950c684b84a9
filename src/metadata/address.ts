// Where the metadata service is: its port for pods, its socket for rkt, its files.

/** Pods connect to it. Source: rkt 1.30, `rkt help metadata-service`. */
export const METADATA_PORT = 18112;

/** rkt registers pods over it; only root may. Source: rkt's documentation of `metadata-service`. */
export const METADATA_SOCKET = '/run/rkt/metadata-svc.sock';

/** The registered pods, one file each, as long as the machine runs: no pod outlives that either. */
export const REGISTRATIONS_DIR = '/run/rkt/metadata-svc';

/** What every pod's URL goes on with. Source: appc specification 0.8.11, "App Container Metadata Service". */
export const API_PATH = 'acMetadata/v1';
