"""Writes a release as files that others' own code reads: one folder per export, made shard by shard.

Parts of the way:
    request    what is asked for: the format, the release, whose side the model speaks
    registry   the formats by name
    make       goes through the release and writes the folder
    part       writes the files of one shard
    folder     what lies in the folder of an export, and whose it is
    document   ``export.json``

Shared by the formats:
    account    what of a shard is written and left out, word by word; reasons why
    said       what a format may say of a sample, and how a speaker is called
    told       whose side the model may learn to speak
    units      words grouped by what is said in one go; every word in one group
    annotated  a sample as an annotation; label_files writes one a sample
    sound, wav audio as it lies in the release, or one track of it
    manifests  lists of whole splits
    lhotse_cuts, d2_qwen   the layouts of lhotse and of Dialogue-to-Duplex
"""
