# SPDX-License-Identifier: Apache-2.0
"""musterd as the lab tests run it: started, asked, watched, killed.

A Daemon is one process over one folder with muster.yaml; a Watch is a `muster watch` that
notes what it is told and when.
"""
import json
import os
import signal
import subprocess
import sys
import threading
import time

ROOT = os.environ.get('MUSTER_ROOT', os.path.join(os.path.dirname(__file__), '..', '..'))
MUSTER = os.environ.get('MUSTER', os.path.join(ROOT, 'build', 'src', 'cli', 'muster'))
MUSTERD = os.environ.get('MUSTERD', os.path.join(ROOT, 'build', 'src', 'daemon', 'musterd'))


def wait_until(what, condition, seconds=10):
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            sys.exit(f'{what}: not within {seconds} s')
        time.sleep(0.02)


class Daemon:
    def __init__(self, directory, environment=None):
        self.directory = directory
        self.environment = environment
        self.log_path = os.path.join(directory, 'musterd.log')
        self.process = None

    def muster(self, *words):
        return subprocess.run([MUSTER, words[0], '-c', 'muster.yaml', *words[1:]],
                              cwd=self.directory, capture_output=True, text=True, timeout=30)

    def start(self):
        with open(self.log_path, 'a') as log:
            self.process = subprocess.Popen([MUSTERD, '-f', '-c', 'muster.yaml'], stderr=log,
                                            cwd=self.directory, env=self.environment)
        wait_until('musterd answers', self.status)
        return self

    def log(self):
        with open(self.log_path) as log:
            return log.read()

    def status(self):
        """What `muster status` says, None while the daemon does not answer."""
        if self.process.poll() is not None:
            sys.exit(f'musterd ended with {self.process.returncode}:\n{self.log()}')
        done = self.muster('status', '-f', 'json', '--socket', 'musterd.sock')
        return json.loads(done.stdout) if done.returncode == 0 else None

    def source(self, name):
        return next(source for source in self.status()['sources'] if source['name'] == name)

    def wait_rounds(self, count, seconds=20):
        """Waits until `count` more rounds were judged that began after now."""
        before = self.status()['round']['rounds']
        wait_until(f'{count} rounds', lambda: self.status()['round']['rounds'] > before + count,
                   seconds)

    def cases(self, *words):
        done = self.muster('case', 'list', '-f', 'json', '-q', *words)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Ends it as an operator does; returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


class Watch:
    def __init__(self, daemon, *words):
        self.lines = []
        self.process = subprocess.Popen([MUSTER, 'watch', '-c', 'muster.yaml', '-f', 'json',
                                         *words], cwd=daemon.directory, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        self.wait(lambda line: line['type'] == 'watching')

    def _read(self):
        for line in self.process.stdout:
            self.lines.append((time.monotonic(), json.loads(line)))

    def find(self, condition):
        return next(((at, line) for at, line in self.lines if condition(line)), None)

    def wait(self, condition, seconds=10, what='a line of muster watch'):
        """Returns when it came, and the line."""
        return wait_until(what, lambda: self.find(condition), seconds)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(10)
        self.thread.join(10)
        return self.process.stderr.read()
