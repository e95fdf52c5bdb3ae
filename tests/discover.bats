# bindu-discover: finds the agent without running it, and never says 0
# without one.
load helper

setup() {
	own_home
	T=$BATS_TEST_TMPDIR/tree
	mkdir -p "$T"
	cd "$T" || return 1
}

agent() {	# agent PATH NAME
	write "$1" <<-END
	from bindu.penguin.bindufy import bindufy
	config = {"author": "a@b.c", "name": "$2",
	          "deployment": {"url": "http://0.0.0.0:3773", "expose": True}}
	if __name__ == "__main__":
	    bindufy(config, lambda messages: messages)
	END
}

# A bindu that does in capture mode what the real one does.
fake_bindu() {
	write "$BATS_TEST_TMPDIR/lib/bindu/penguin/bindufy.py" <<-'END'
	import inspect, json, os
	def bindufy(config, handler):
	    caller = inspect.stack()[1].filename
	    with open(os.environ["BINDU_DEPLOY_CAPTURE"], "w") as f:
	        json.dump({"agent_name": config["name"],
	            "caller_dir": os.path.dirname(os.path.abspath(caller))}, f)
	END
	export PYTHONPATH=$BATS_TEST_TMPDIR/lib PYTHONDONTWRITEBYTECODE=1
}

@test "discover: prints lines that a shell can eval" {
	agent agent.py "my agent's"
	echo bindu >requirements.txt
	run --separate-stderr -0 timeout 30 bindu-discover agent.py
	eval "$output"
	[ "$root" = "$(pwd -P)" ]
	[ "$script" = agent.py ]
	[ "$name" = "my agent's" ]
	[ "$name_from" = literal ]
	[ "$box" = my-agent-s ]
	[ "$deps" = requirements.txt ]
	[ "$python" = "" ]
	[ "$port" = 3773 ]
	[ -z "$stderr" ]
}

@test "discover: --json says the same as an object" {
	agent agent.py x
	echo bindu >requirements.txt
	run -0 timeout 30 bindu-discover --json
	[ "$output" = "{\"root\":\"$(pwd -P)\",\"script\":\"agent.py\",\"name\":\"x\",\"name_from\":\"literal\",\"box\":\"x\",\"deps\":[\"requirements.txt\"],\"python\":\"\",\"port\":3773}" ]
}

@test "discover: --make is what make reads back" {
	agent agent.py 'a$b#c d'
	touch requirements.txt
	timeout 30 bindu-discover --make >d.mk
	printf 'include d.mk\n$(info [$(BINDU_NAME)] [$(BINDU_SCRIPT)])\nall:;\n' >m.mk
	run -0 timeout 10 make -s -f m.mk
	[[ ${lines[0]} == '[a$b#c d] [agent.py]' ]]
}

@test "discover: the root is the nearest directory with a marker" {
	agent mono/svc/deep/agent.py x
	touch mono/pyproject.toml mono/svc/requirements.txt
	run -0 timeout 30 bindu-discover mono/svc/deep/agent.py
	[[ $output == *"root=$(pwd -P)/mono/svc"$'\n'"script=deep/agent.py"* ]]
}

@test "discover: without a marker the script's directory is the root" {
	agent deep/agent.py x
	run -0 timeout 30 bindu-discover -C deep agent.py
	[[ $output == "root=$(pwd -P)/deep"* ]]
}

@test "discover: a .git file (worktree, submodule) marks a root too" {
	agent w/deep/agent.py x
	echo "gitdir: elsewhere" >w/.git
	run -0 timeout 30 bindu-discover w/deep/agent.py
	[[ $output == "root=$(pwd -P)/w"$'\n'* ]]
}

@test "discover: a repository of dot files does not make the home the root" {
	mkdir -p "$HOME/.git"
	agent "$HOME/play/agent.py" x
	run -0 timeout 30 bindu-discover "$HOME/play/agent.py"
	[[ $output == "root=$(cd "$HOME/play" && pwd -P)"$'\n'* ]]
}

@test "discover: an agent straight in the home directory is refused" {
	agent "$HOME/agent.py" x
	run --separate-stderr -78 timeout 30 bindu-discover "$HOME/agent.py"
	[ -z "$output" ]
	[[ $stderr == *"directory of its own"* ]]
}

@test "discover: a link in the tree is fine, one that leaves it is not" {
	agent real/agent.py x
	touch requirements.txt
	ln -s real/agent.py here.py
	run -0 timeout 30 bindu-discover here.py
	[[ $output == *"script=here.py"* ]]
	agent "$BATS_TEST_TMPDIR/other.py" y
	ln -s "$BATS_TEST_TMPDIR/other.py" out.py
	run --separate-stderr -78 timeout 30 bindu-discover out.py
	[ -z "$output" ]
	[[ $stderr == *"outside its source root"* ]]
}

@test "discover: a script that is not there is exit 66" {
	run --separate-stderr -66 timeout 30 bindu-discover no.py
	[ -z "$output" ]
	[[ $stderr == *"script not found: $(pwd -P)/no.py"* ]]
	mkfifo pipe.py
	run -66 timeout 30 bindu-discover pipe.py
}

@test "discover: the name of a computed config comes with the reason and the cure" {
	write agent.py <<-'END'
	import os
	from bindu.penguin.bindufy import bindufy
	bindufy({"name": os.environ["AGENT"]}, print)
	END
	run --separate-stderr -65 timeout 30 bindu-discover agent.py
	[ -z "$output" ]
	[[ $stderr == *"agent.py:3:"*"environment variable AGENT decides"*"--name"*"--run"* ]]
}

@test "discover: a default of the environment is taken, and said when it is set here" {
	write agent.py <<-'END'
	import os
	from bindu.penguin.bindufy import bindufy
	bindufy({"name": os.getenv("AGENT", "dflt")}, print)
	END
	run --separate-stderr -0 timeout 30 bindu-discover agent.py
	[[ $output == *name=dflt* ]]
	AGENT=other run --separate-stderr -0 timeout 30 bindu-discover agent.py
	[[ $output == *name=dflt* ]]
	[[ $stderr == *"default of AGENT, which is 'other' on this machine"* ]]
}

@test "discover: a script without bindufy is no agent, unless it is named" {
	write server.py <<<'print("serving")'
	run --separate-stderr -65 timeout 30 bindu-discover server.py
	[ -z "$output" ]
	[[ $stderr == *"does not call bindufy()"*"--name"* ]]
	run -0 timeout 30 bindu-discover --name web server.py
	[[ $output == *name=web$'\n'name_from=flag* ]]
}

@test "discover: two agents in one script are both named" {
	write agent.py <<-'END'
	from bindu import bindufy
	import sys
	if len(sys.argv) > 1:
	    bindufy({"name": "a"}, print)
	else:
	    bindufy({"name": "b"}, print)
	END
	run --separate-stderr -65 timeout 30 bindu-discover agent.py
	[[ $stderr == *"'a' (agent.py:4)"*"'b' (agent.py:6)"* ]]
}

@test "discover: the only agent of a tree is found" {
	agent src/deep/bot.py x
	touch requirements.txt
	write src/other.py <<<'x = 1'
	run --separate-stderr -0 timeout 30 bindu-discover
	[[ $output == *script=src/deep/bot.py* ]]
	[ -z "$stderr" ]
}

@test "discover: of several agents the one that stands out is taken, with the reason" {
	agent agent.py top
	agent tests/agent.py t
	agent pkg/agent.py low
	touch requirements.txt
	run --separate-stderr -0 timeout 30 bindu-discover
	[[ $output == *name=top* ]]
	[[ $stderr == *"3 scripts call bindufy(): agent.py (top), pkg/agent.py (low), tests/agent.py (t); taking agent.py, it is nearest to the top"* ]]
}

@test "discover: when none stands out all are listed" {
	agent a/agent.py one
	agent b/agent.py two
	run --separate-stderr -65 timeout 30 bindu-discover
	[ -z "$output" ]
	[[ $stderr == *"a/agent.py (one), b/agent.py (two)"*"name the one you mean"* ]]
	run -0 timeout 30 bindu-discover b
	[[ $output == *name=two* ]]
}

@test "discover: a helper that serves agents is not the agent" {
	write serve.py <<-'END'
	from bindu import bindufy
	def serve(name):
	    bindufy({"name": name}, print)
	END
	write robot.py <<-'END'
	from serve import serve
	if __name__ == "__main__":
	    serve("r2")
	END
	run -0 timeout 30 bindu-discover
	[[ $output == *script=robot.py$'\n'name=r2* ]]
}

@test "discover: an empty tree and virtual environments hold no agent" {
	agent .venv/lib/x.py a
	agent env311/x.py b
	touch env311/pyvenv.cfg
	agent node_modules/x.py c
	run --separate-stderr -66 timeout 30 bindu-discover
	[[ $stderr == *"no script below $(pwd -P) calls bindufy()"* ]]
}

@test "discover: a script with the word but no call that can be read is named" {
	write agent.py <<-'END'
	exec(open("rest.txt").read())  # which has bindufy()
	END
	run --separate-stderr -66 timeout 30 bindu-discover
	[[ $stderr == *"though agent.py has the word"*"--name or --run"* ]]
}

@test "discover: the port of a variable's default; one that cannot be read is said" {
	write agent.py <<-'END'
	import os
	from bindu.penguin.bindufy import bindufy
	PORT = int(os.getenv("BINDU_PORT", "5775"))
	bindufy({"name": "a", "deployment": {"url": f"http://0.0.0.0:{PORT}"}},
	        print)
	END
	run --separate-stderr -0 timeout 30 bindu-discover
	[[ $output == *port=5775* ]]
	[ -z "$stderr" ]
	sed -i 's/int(.*/pick()/; 2a from ports import pick' agent.py
	run --separate-stderr -0 timeout 30 bindu-discover
	[[ $output == *port=3773* ]]
	[[ $stderr == *"agent.py:5: the port cannot be read, 3773 is taken: ports.pick() computes it"* ]]
}

@test "discover: every kind of dependency file is listed, the developers' are not" {
	agent agent.py x
	touch requirements.txt setup.py setup.cfg uv.lock poetry.lock Pipfile Pipfile.lock
	echo '[project]' >pyproject.toml
	mkdir requirements
	touch requirements/{base,prod,dev,test,docs}.txt "requirements/a b.txt"
	run -0 timeout 30 bindu-discover agent.py
	eval "$output"
	[ "$deps" = "requirements.txt requirements/base.txt requirements/prod.txt pyproject.toml setup.py setup.cfg uv.lock poetry.lock Pipfile Pipfile.lock" ]
}

@test "discover: a script's own block names its dependencies and Python" {
	write agent.py <<-'END'
	#!/usr/bin/env python3
	# /// script
	# requires-python = ">=3.12"
	# dependencies = [
	#   "bindu",
	# ]
	# ///
	from bindu import bindufy
	bindufy({"name": "x"}, print)
	END
	run -0 timeout 30 bindu-discover agent.py
	eval "$output"
	[ "$deps" = agent.py ] && [ "$python" = ">=3.12" ]
}

asked() {	# asked FILE CONTENT SPECIFIER
	printf '%s' "$2" >"$1"
	touch requirements.txt
	run -0 timeout 30 bindu-discover --name n agent.py
	eval "$output"
	rm "$1"
	[ "$python" = "$3" ] || { echo "$1: [$python], not [$3]"; return 1; }
}

@test "discover: the Python asked for is found wherever it is said" {
	agent agent.py x
	asked pyproject.toml $'[project]\nrequires-python = ">=3.12,<4"\n' ">=3.12,<4"
	asked pyproject.toml $'[tool.poetry.dependencies]\npython = "^3.11"\n' ">=3.11,<4.0"
	asked pyproject.toml $'[tool.poetry.dependencies]\npython = "~3.11"\n' ">=3.11,<3.12"
	asked setup.cfg $'[metadata]\npython_requires = no\n[options]\npython_requires = >=3.9  # x\n' ">=3.9"
	asked setup.py $'from setuptools import setup\nV = ">=3.10"\nsetup(name="x", python_requires=V)\n' ">=3.10"
	asked .python-version $'# pinned\n3.12\n' "==3.12.*"
	asked .python-version $'3.12.4\n' "~=3.12.4"
	asked .python-version $'pypy3.10\n' ""
	asked Pipfile $'[requires]\npython_version = "3.11"\n' "==3.11.*"
	asked runtime.txt $'python-3.12.1\n' "~=3.12.1"
	asked pyproject.toml $'[project]\nrequires-python = "$(rm -rf /)"\n' ""
}

@test "discover: a broken pyproject.toml is a warning with its line" {
	agent agent.py x
	printf '[project]\nname = \n' >pyproject.toml
	run --separate-stderr -0 timeout 30 bindu-discover agent.py
	[[ $stderr == *"pyproject.toml:2: expected a value"* ]]
}

@test "discover: warns when a rule keeps the script or its modules at home" {
	agent agent.py x
	echo 'import lib.tool' >>agent.py
	write lib/tool.py <<<'x = 1'
	printf '%s\n' '/agent.py' 'lib/' >.gitignore
	touch requirements.txt
	git init -q .
	run --separate-stderr -0 timeout 30 bindu-discover agent.py
	[[ $stderr == *"agent.py, which the agent is, would not ship (.gitignore:1:/agent.py)"* ]]
	[[ $stderr == *"lib/tool.py, which the agent imports, would not ship (.gitignore:2:lib/)"* ]]
	printf '%s\n' '!/agent.py' '!lib/' >.binduignore
	run --separate-stderr -0 timeout 30 bindu-discover agent.py
	[ -z "$stderr" ]
}

@test "discover: no user code runs without --run" {
	agent agent.py x
	echo 'open("ran", "w")' >>agent.py
	sed -i '1i open("ran", "w")' agent.py
	run -0 timeout 30 bindu-discover agent.py
	[ ! -e ran ]
}

@test "discover: --run asks the script, whose output goes to stderr" {
	fake_bindu
	write agent.py <<-'END'
	import os
	from bindu.penguin.bindufy import bindufy
	print("hello from the script")
	bindufy({"name": "n" + str(os.getpid() * 0)}, print)
	END
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir "$TMPDIR"
	run --separate-stderr -0 timeout 20 bindu-discover --run agent.py
	[[ $output == *name=n0$'\n'name_from=run* ]]
	[[ $output != *hello* ]]
	[[ $stderr == *"hello from the script"* ]]
	[ -z "$(ls "$TMPDIR")" ]
}

@test "discover: --run keeps arguments and the sentinel to itself" {
	fake_bindu
	write agent.py <<-'END'
	import argparse
	argparse.ArgumentParser().parse_args()
	from bindu.penguin.bindufy import bindufy
	bindufy({"name": "x"}, print)
	raise SystemExit(0)
	END
	run -0 timeout 20 bindu-discover --run --timeout 10s agent.py
	[[ $output == *name=x* ]]
}

@test "discover: --run tells apart how a script ended" {
	fake_bindu
	write raise.py <<<'raise KeyError("no key")'
	run --separate-stderr -65 timeout 20 bindu-discover --run raise.py
	[[ $stderr == *"raised an error before it called bindufy(): KeyError: 'no key'"* ]]
	write import.py <<<'import not_there_at_all'
	run --separate-stderr -65 timeout 20 bindu-discover --run import.py
	[[ $stderr == *"No module named 'not_there_at_all'"*"install what it needs"* ]]
	write end.py <<<'x = 1'
	run --separate-stderr -65 timeout 20 bindu-discover --run end.py
	[[ $stderr == *"ran to its end and never called bindufy()"* ]]
	write exit0.py <<<'import sys; sys.exit(0)'
	run --separate-stderr -65 timeout 20 bindu-discover --run exit0.py
	[[ $stderr == *"ended itself with status 0"* ]]
	write exit3.py <<<'import sys; sys.exit(3)'
	run --separate-stderr -65 timeout 20 bindu-discover --run exit3.py
	[[ $stderr == *"ended itself with status 3"* ]]
	write kill.py <<<'import os; os.kill(os.getpid(), 9)'
	run --separate-stderr -65 timeout 20 bindu-discover --run kill.py
	[[ $stderr == *"ended by signal 9"* ]]
	[ -z "$output" ]
}

@test "discover: --run ends a script that takes too long, and its children" {
	write slow.py <<-'END'
	import subprocess, time
	subprocess.Popen(["sleep", "4242"])
	time.sleep(4242)
	END
	run --separate-stderr -65 timeout 20 bindu-discover --run --timeout 1s slow.py
	[[ $stderr == *"did not call bindufy() within 1 s"* ]]
	! pgrep -f '^sleep 4242$' || false
}

@test "discover: --run takes the name of a script that goes on serving" {
	fake_bindu
	write agent.py <<-'END'
	import time
	from bindu.penguin.bindufy import bindufy
	bindufy({"name": "x"}, print)
	time.sleep(4243)
	END
	run -0 timeout 30 bindu-discover --run agent.py
	[[ $output == *name=x* ]]
}

@test "discover: a name that gives no box name is refused" {
	agent agent.py "!!!"
	run --separate-stderr -65 timeout 30 bindu-discover agent.py
	[[ $stderr == *"no letter or digit"* ]]
}

@test "discover: --mk says where bindu.mk is" {
	run -0 timeout 30 bindu-discover --mk
	grep -q '^# bindu.mk - ' "$output"
}

@test "discover: a wrong option is exit 2 and says so before anything runs" {
	agent agent.py x
	run --separate-stderr -2 timeout 30 bindu-discover --nope agent.py
	[ -z "$output" ]
	run -2 timeout 30 bindu-discover a b
}
