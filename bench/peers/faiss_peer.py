"""FAISS, flat indexes: exact. Protocol: bench/external.ts.

The asymmetric score is its product quantiser with one byte a block of eight numbers and all 256 patterns of signs as centroids.
"""
import json
import sys
import time

import faiss
import numpy as np

kind, rows_file, query_file, count, dims, k = sys.argv[1:]
count, dims, k = int(count), int(dims), int(k)
faiss.omp_set_num_threads(1)
if kind == "inner-product":
    rows = np.fromfile(rows_file, np.float32).reshape(count, dims)
    query = np.fromfile(query_file, np.float32).reshape(1, dims)
    index = faiss.IndexFlatIP(dims)
    index.add(rows)
else:
    rows = np.fromfile(rows_file, np.uint8).reshape(count, dims // 8)
    if kind == "hamming":
        query = np.fromfile(query_file, np.uint8).reshape(1, dims // 8)
        index = faiss.IndexBinaryFlat(dims)
        index.add(rows)
    else:
        query = np.fromfile(query_file, np.float32).reshape(1, dims)
        index = faiss.IndexPQ(dims, dims // 8, 8, faiss.METRIC_INNER_PRODUCT)
        signs = (((np.arange(256)[:, None] >> np.arange(8)) & 1) * 2 - 1).astype(np.float32)
        faiss.copy_array_to_vector(np.tile(signs.ravel(), dims // 8), index.pq.centroids)
        index.is_trained = True
        faiss.copy_array_to_vector(rows.ravel(), index.codes)
        index.ntotal = count
print(json.dumps({"version": "faiss " + faiss.__version__}), flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    _, found = index.search(query, k)
    ms = (time.perf_counter() - start) * 1e3
    print(json.dumps({"ms": ms, "indices": found[0].tolist()}), flush=True)
