"""llama.cpp's logits, through the public npm package node-llama-cpp and its prebuilt programs."""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = "node_modules/node-llama-cpp"


def _folder():
    """Where the package is: PEER_DIR, or ~/peer."""
    folder = os.path.abspath(os.path.expanduser(os.environ.get("PEER_DIR", "~/peer")))
    if not os.path.isdir(os.path.join(folder, PACKAGE)):
        sys.exit("error: llama.cpp's npm package is not in %s\n"
                 "       npm install --prefix %s node-llama-cpp, or set PEER_DIR to the folder that has it" %
                 (folder, folder))
    return folder


def logits(model, requests):
    """[request][position][token]; a request is {"tokens": [1, 2]}, with settings as peer_logits.mjs has them.

    Raises CalledProcessError if llama.cpp refuses the model or a setting.
    """
    environment = dict(os.environ, PEER_DIR=_folder())
    with tempfile.NamedTemporaryFile() as out:
        try:
            subprocess.run(["node", os.path.join(HERE, "peer_logits.mjs"), model, out.name], check=True,
                           input=json.dumps(requests).encode(), stdout=subprocess.DEVNULL, env=environment)
        except FileNotFoundError:
            sys.exit("error: node is needed to run llama.cpp's npm package; install nodejs 20 or later")
        rows = np.fromfile(out.name, "<f4").astype(np.float64)
    lengths = [len(request["tokens"]) for request in requests]
    return np.split(rows.reshape(sum(lengths), -1), np.cumsum(lengths)[:-1])
