"""Word lists of English that the rules know by heart."""

from typing import Final

from nightshift.memos.generators.tokens import vocabulary

PRESENT: Final = vocabulary(
    "absorb accept account achieve acknowledge act activate add address adjust admit advise "
    "affect agree aim allow announce appear apply argue arise arrive assert assess assign "
    "assist assume assure attach attack attract avoid award bear become begin belong bind blame "
    "bleed blend block bloom blow boil boost borrow bounce break breed brew bring broadcast "
    "build burn bury buy calculate call carry catch cause celebrate challenge change charge "
    "check choose claim classify climb close coin collapse collect combine come command compare "
    "compete complete compose comprise concern conclude conduct confirm connect conquer "
    "conserve consist consume contain continue contribute control convert cool coordinate copy "
    "correspond cost count cover create criticise cross cure damage dance decay decide declare "
    "decline decompose decrease defend define delay delete deliver demonstrate deny depend "
    "deposit derive descend describe desire destroy determine develop differ digest diminish "
    "direct discharge discover discuss display dissolve distinguish distribute divide dominate "
    "draw dream drive drop earn eat elect eliminate emerge emit employ enable encode encourage "
    "end endure enforce engage enjoy ensure enter erupt escape establish estimate evolve "
    "examine exceed exchange execute exercise exhibit exist expand expect expire explain "
    "exploit explore export expose express extend extract face facilitate fail fall favour fear "
    "feed feel fight fill filter finance find finish fit fix float flow fly focus follow forbid "
    "force forget form forward found freeze fund gain gather generate germinate get give go "
    "govern grant grow guarantee guard guide handle happen harden harm hatch heat help hide hit "
    "hold host hunt identify ignore illustrate imagine imply import impose improve include "
    "increase indicate inherit inhibit initiate inject insert insist inspect inspire install "
    "integrate intend interact interpret introduce invade invest investigate involve issue join "
    "jump justify keep kill label lack land last launch lead learn leave lend let lie lift "
    "limit link list live load locate look lose love lower maintain make manage mark marry "
    "master match maximise mean measure meet melt mention merge migrate minimise miss mix "
    "modify monitor motivate move multiply name need negotiate note obey object observe obtain "
    "occupy occur offer open operate oppose order organise originate oscillate outlaw overlap "
    "overlook own oxidise participate pass pay penetrate perform permit persist place plan "
    "plant play point pollinate possess postpone practise preach precede predict prefer prepare "
    "prescribe preserve press presume prevail prevent print process produce prohibit promise "
    "promote propagate propose protect prove provide publish pump punish push put qualify quote "
    "raise range rank reach react read realise receive recognise recommend record recover "
    "recruit recycle reduce refer reflect refuse regulate reign reject relate relax release "
    "rely remain remember remind remove rename renew repair repeat repel replace replicate "
    "reply report represent request require rescue reserve reside resolve respect respond rest "
    "restore restrict result retain retire retreat return reveal reverse review reward ripen "
    "rise rotate rule run satisfy save say scan secrete seek seem select sell send separate "
    "serve set settle shape share shift show shrink sign signal sink sit sleep slow smell solve "
    "sort sound spawn speak specialise specify spin split spread stabilise stain stand start "
    "state stem step stick stimulate stop store strengthen stretch strike struggle study submit "
    "succeed suffer suggest suit sum supply support suppress surround survive suspend sustain "
    "swell symbolise take taste teach tend terminate test threaten throw tolerate touch track "
    "trade train transfer transform translate transmit transport trap travel treat trigger "
    "trust try turn undergo understand unite update upgrade urge use value vanish vary violate "
    "visit vote wait wake walk want warm warn wash waste watch weaken wear weigh welcome win "
    "wish withdraw wonder work worship write yield"
)
"""English verbs in the present tense, without the ending of `he` and `she`."""

IRREGULAR: Final = vocabulary(
    "became began broke brought built came chose crowned drew fell flew fought found gave got "
    "grew held kept knew led left lost made meant met paid ran rose said sang saw sent set shot "
    "sold spoke spread stood struck swore taught told took went won wore wrote"
)
"""Past tenses that do not end in `-ed`."""

PARTICIPLES: Final = vocabulary(
    "begun born broken brought built chosen cut done drawn driven fought found given held kept "
    "known laid led left lost made met paid put read said sent set shot sold spent split struck "
    "sworn taken taught thrown torn won worn written"
)
"""Participles that do not end in `-ed`."""

PERSONS: Final = vocabulary(
    "activist actor actress admiral architect astronomer author biologist bishop brother "
    "chancellor chemist chieftain composer daughter director doctor duke economist emperor "
    "empress engineer explorer father founder general husband inventor journalist judge king "
    "knight landlord lawyer leader mathematician merchant minister monk mother musician "
    "navigator novelist nun nurse officer painter philosopher physician physicist pilot poet "
    "politician pope president prince princess professor prophet queen reformer ruler sailor "
    "saint scientist sculptor senator singer sister soldier son statesman stepson student "
    "teacher wife writer"
)
"""Nouns that only people are called by."""
