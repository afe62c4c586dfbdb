"""Takes withdrawn speakers out of a release that was already written, and proves it (docs/withdrawal.md).

:func:`duologue_pipeline.withdrawal.protocol.propagate_release` does all of it, safe against crashes. Without the journal and
the switch its steps are::

    plan = make_plan(release, index, recordings, withdrawn={commitment: why}, standing={commitments})
    rewritten = [rewrite_shard(root, shard, silence=release["codec"].get("silence"), staging=...) for shard in plan.shards]
    new = new_release(root, old_dataset_json, plan, rewritten, ledger=release_ledger)   # bytes of every other new file
    ... write new.files, then new.dataset_json; delete plan.shards[*].path and new.obsolete ...
    findings = scan(root, removed_by(plan, rewritten))

Modules: ``refusals`` asks who no longer allows it, ``state`` reads a release with that answer, ``revoke`` publishes it to
readers, ``decide`` writes the ``journal`` of what ``plan`` makes of it, ``rewrite`` (``silence``, ``traces``), ``new_tables``
and ``new_release`` make the new version, ``scan`` looks for what is left, ``leaves`` and ``proof`` prove that it is gone.
"""
