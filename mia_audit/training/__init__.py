"""Training: a population in cohorts, each one tensor program in lockstep; planned, scheduled, stored, and resumed.

`plan` cuts a population into cohorts, `schedule` hands them to worker processes, `worker` trains (`lockstep`), calibrates and
queries one of them, and `store` keeps the result under the hash of everything that determines it.
"""
