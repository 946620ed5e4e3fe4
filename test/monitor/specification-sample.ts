/** The specification's sample of `--display`, for a host without a GPU. */
export const SAMPLE = `=== AI System Resource Metrics ===
Timestamp: 2025-12-08T10:30:00Z

Memory: 65% (13GB/20GB)
Swap: 12% (2GB/16GB)
CPU: 45%
Disk (/srv/models): 45% (450GB/1TB)

Services:
  ollama: 4.2GB / 8GB (52%) CPU: 35%
  llamacpp: 2.1GB / 6GB (35%) CPU: 28%
  local-llm-proxy: 256MB / 1GB (25%) CPU: 5%
`;

/** What a GPU adds to it. */
export const SAMPLE_GPU = `
GPU: 45% GPU util, 60% memory util
`;
